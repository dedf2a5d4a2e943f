"""Lines full of words: who is asked for is there, by one wrong letter at most, and rare."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.eval.needle.vocabulary import RESERVED, forms, load_words, split_of
from clamr_select.eval.needle.word_lines import MIN_LETTERS, word_line_batch


def batch(seed: int = 5, **options):
    return word_line_batch(np.random.default_rng(seed), num_documents=12, **options)


def lines_of(found):
    """(document, candidate) -> (its words in lower case, its modality)."""
    return {
        (number, text.first_candidate): (text.text.lower().rstrip(".").split(), text.modality)
        for number, document in enumerate(found.documents)
        for text in document.texts
    }


def test_every_grey_frame_has_one_line_of_many_words():
    found = batch()
    lines = lines_of(found)
    assert len(found.documents) == 12
    for number, document in enumerate(found.documents):
        assert 3 <= document.num_candidates <= 10
        assert len({text.modality for text in document.texts}) == 1
        assert all(text.first_candidate == text.last_candidate for text in document.texts)
        assert all((number, at) in lines for at in range(document.num_candidates))
        assert all(np.ptp(frame) == 0 for frame in document.frames)
    assert {modality for _, modality in lines.values()} == {"asr", "ocr"}
    assert {len(words) for words, _ in lines.values()} <= set(range(6, 22))
    assert len({len(words) for words, _ in lines.values()}) > 8


def test_a_question_without_wrong_letters_is_words_of_its_answers_and_no_other_line_has_them_all():
    found = batch(typo_share=0.0)
    lines = lines_of(found)
    assert len(found.queries) > 40
    for query in found.queries:
        asked = query.text.split()
        assert 1 <= len(asked) <= 2
        assert all(len(word) >= MIN_LETTERS for word in asked)
        answering = {at for at, (words, _) in lines.items() if set(asked) <= set(words)}
        # another form of the word will do, so there may be more answers than lines that hold it as it is written
        assert answering
        assert answering <= set(query.positive_frames)
        assert {document for document, _ in query.positive_frames} == set(query.positive_documents)
        assert lines[min(answering)][1] in ("asr", "ocr")


def test_asked_words_are_content_words_of_the_split_and_among_the_rarest_of_their_line():
    found = batch(typo_share=0.0, split="validation")
    listed = {form for word in load_words("validation") for form in forms(word)}
    counts = {}
    for words, _ in lines_of(found).values():
        for word in set(words):
            counts[word] = counts.get(word, 0) + 1
    asked = [word for query in found.queries for word in query.text.split()]
    assert not set(asked) & RESERVED
    invented = [word for word in asked if word not in listed]
    assert 0 < len(invented) < len(asked) / 2
    assert {split_of(word) for word in asked if word in load_words("validation")} == {"validation"}
    content = [word for words, _ in lines_of(found).values() for word in words if word not in RESERVED]
    assert np.mean([counts[word] for word in asked]) < np.mean([counts[word] for word in content])


def test_one_letter_is_wrong_in_as_many_words_as_are_to_be_misspelt():
    wrong, half = batch(typo_share=1.0), batch(typo_share=0.5)
    written = {word for words, _ in lines_of(wrong).values() for word in words}
    asked = [word for query in wrong.queries for word in query.text.split()]
    assert all(any(_one_typo_apart(word, other) for other in written) for word in asked)
    assert sum(word in written for word in asked) < 0.05 * len(asked)  # by chance another word
    asked = [word for query in half.queries for word in query.text.split()]
    assert 0.35 < np.mean([word in written for word in asked]) < 0.65


def _one_typo_apart(word: str, other: str) -> bool:
    """A letter exchanged, lost or doubled."""
    if len(word) == len(other):
        return sum(a != b for a, b in zip(word, other, strict=True)) == 1
    shorter, longer = sorted((word, other), key=len)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))


def test_the_same_generator_gives_the_same_batch():
    assert batch().queries == batch().queries
    assert [document.texts for document in batch().documents] == [document.texts for document in batch().documents]
    assert batch().queries != batch(seed=6).queries


def test_a_split_that_is_none_is_named():
    with pytest.raises(ValueError, match="rehearsal"):
        batch(split="rehearsal")
