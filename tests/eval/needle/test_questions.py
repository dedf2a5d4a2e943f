from __future__ import annotations

import numpy as np
import pytest

from clamr_select.eval.needle import questions, templates
from clamr_select.eval.needle.language import base_words, sentence
from clamr_select.eval.needle.phrases import picture_phrase
from clamr_select.eval.needle.predicates import ShapePattern, ShowsShapes
from clamr_select.eval.needle.scene import Scene, Shape
from clamr_select.eval.needle.vocabulary import load_words

SCENE = Scene((Shape("circle", "red", place="left"), Shape("star", "blue", place="right")))


def test_every_target_has_many_wordings() -> None:
    assert len(set(templates.DESCRIPTION_STRICT + templates.DESCRIPTION_LOOSE)) >= 15
    for forms in (templates.VIDEO, templates.ASR, templates.OCR, templates.ANYWHERE, templates.VIDEO_ASR):
        assert len(set(forms)) >= 15
    for forms in (templates.NTH_SAID, templates.NTH_SHOWN, templates.NEXT_AFTER, templates.SHOWN_LATER):
        assert len(set(forms)) >= 4
    for forms in (templates.VIDEO_OCR, templates.OCR_ASR):
        assert len(set(forms)) >= 15


def test_words_of_the_wordings_are_no_content_words() -> None:
    forms = (*templates.VIDEO, *templates.ASR, *templates.OCR, *templates.ANYWHERE, *templates.OCR_ASR)
    forms += (*templates.DESCRIPTION_STRICT, *templates.DESCRIPTION_LOOSE, *templates.VIDEO_ASR, *templates.NTH_SAID)
    forms += (*templates.NTH_SHOWN, *templates.NEXT_AFTER, *templates.NEXT_BEFORE, *templates.SAID_LATER)
    forms += templates.SHOWN_LATER
    used = {word.strip(":?,") for form in (*forms, *templates.VIDEO_OCR) for word in form.lower().split()}
    assert not used & set(load_words())


def test_phrases_name_what_the_predicate_asks() -> None:
    rng = np.random.default_rng(0)
    pattern = ShapePattern("circle", "red", size="small", texture="striped", place="left")
    seen = {picture_phrase(ShowsShapes((pattern,)), rng) for _ in range(300)}
    assert "a small striped red circle on the left" in seen
    assert len(seen) > 40
    for phrase in seen:
        assert base_words([phrase]) >= {"circle", "red", "small", "striped"}
    three = ShowsShapes((ShapePattern("cross", "green", count=3),), background="grey")
    phrases = {picture_phrase(three, rng) for _ in range(300)}
    assert "three green crosses on a grey background" in phrases
    pair = ShowsShapes((ShapePattern("circle", "orange"), ShapePattern("number", number=7)), "left of")
    phrases = {picture_phrase(pair, rng) for _ in range(300)}
    assert "an orange circle to the left of the number 7" in phrases
    assert not any(" a orange" in p or p.startswith("a orange") for p in phrases)


def test_case_and_question_mark_vary() -> None:
    rng = np.random.default_rng(0)
    texts = [questions.ask_words(["lantern"], "asr", rng).text for _ in range(400)]
    assert any(t.endswith("?") for t in texts)
    assert any(not t.endswith("?") for t in texts)
    assert any(t.isupper() for t in texts)
    assert any(t[0].isupper() and not t.isupper() for t in texts)
    assert all("lantern" in t.lower() for t in texts)


@pytest.mark.parametrize("modality", ["asr", "ocr", "description"])
def test_sentences_hold_their_words(modality: str) -> None:
    rng = np.random.default_rng(0)
    for count in range(6):
        words = ("lantern", "harbor", "oak", "red circle", "zinc")[:count]
        text, content = sentence(rng, modality=modality, split="test", words=words, inflected_share=0.0)
        assert all(word in text for word in words)
        assert base_words(words) <= content


def test_screen_and_speech_question_keeps_the_two_apart() -> None:
    question = questions.ask_screen_and_speech(["harbor"], ["lantern"], np.random.default_rng(0))
    assert question.words == ("lantern",)
    assert question.screen_words == ("harbor",)


def test_a_synonym_is_asked_for_what_was_said_by_the_other_name() -> None:
    rng = np.random.default_rng(0)
    asked = {questions.ask_words(["begin"], "asr", rng).asked for _ in range(40)}
    assert asked == {("begin",), ("start",)}
    text, content = sentence(rng, modality="asr", split="test", words=("start",), inflected_share=0.0)
    assert "begin" in content
    assert {"begin", "start"} & set(text.split())
    assert questions.ask_words(["lantern"], "asr", rng).asked == ("lantern",)


def test_a_typo_changes_one_letter_of_a_content_word() -> None:
    rng = np.random.default_rng(0)
    changed = 0
    for _ in range(100):
        question = questions.ask_words(["lantern", "oak"], "asr", rng)
        wrong = questions.with_typo(question, rng)
        assert wrong.predicate == question.predicate
        old, new = question.text.split(" "), wrong.text.split(" ")
        differing = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        assert all(a.lower() == "lantern" and abs(len(a) - len(b)) <= 1 for a, b in differing)
        assert len(differing) <= 1
        changed += len(differing)
    assert changed > 50
    short = questions.ask_words(["oak"], "asr", rng)
    assert questions.with_typo(short, rng) == short


def test_synonyms_have_one_meaning() -> None:
    assert base_words(["crimson disc", "lantern"]) == {"red", "circle", "lantern"}
    assert base_words(["start"]) == base_words(["begin"])
    tables = (templates.KIND_NAMES, templates.COLOUR_NAMES, templates.SIZE_NAMES, templates.TEXTURE_NAMES)
    names = [name for table in tables for group in table.values() for name in set(group)]
    assert len(names) == len(set(names))
