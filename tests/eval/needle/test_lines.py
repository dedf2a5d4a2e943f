"""Text for a vocabulary: all words, and what training batches say and ask, drawn without a picture."""

from __future__ import annotations

from itertools import islice

from clamr_select.eval.needle.batches import training_batches
from clamr_select.eval.needle.lines import training_lines
from clamr_select.eval.needle.vocabulary import load_words


def test_words_come_first_then_the_text_of_batches() -> None:
    lines = list(training_lines(seed=4, num_batches=2))
    words = load_words()
    assert tuple(lines[: len(words)]) == words
    rest = lines[len(words) :]
    assert rest == list(training_lines(seed=4, num_batches=2))[len(words) :]
    batches = islice(
        training_batches(seed=4, vision_only_share=0.2, pictures=False),
        2,
    )
    said = [s.text for b in batches for d in b.documents for s in d.texts if s.modality == "asr"]
    assert said
    assert set(said) <= set(rest)
