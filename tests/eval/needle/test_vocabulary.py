from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import UnknownNameError
from clamr_select.eval.needle import vocabulary
from clamr_select.eval.needle.synonyms import NAMES


def test_splits_share_no_word_and_hold_all() -> None:
    parts = [set(vocabulary.load_words(split)) for split in ("train", "validation", "test")]
    everything = set(vocabulary.load_words())
    assert set.union(*parts) == everything
    assert sum(map(len, parts)) == len(everything)
    assert 10_000 <= len(everything) <= 13_000
    assert 0.75 < len(parts[0]) / len(everything) < 0.85


def test_words_are_plain_and_not_those_of_the_templates() -> None:
    for word in vocabulary.load_words():
        assert word.isascii()
        assert word.isalpha()
        assert word.islower()
        assert 3 <= len(word) <= 12
    assert not set(vocabulary.load_words()) & vocabulary.RESERVED


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_made_words_belong_to_their_split(split: vocabulary.Split) -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        word = vocabulary.pseudo_word(rng, split=split)
        assert vocabulary.split_of(word) == split
        assert word.isalpha()
        assert word not in vocabulary.load_words()
        assert vocabulary.split_of(vocabulary.number_word(rng, split=split)) == split
        word = vocabulary.content_word(rng, split=split)
        assert vocabulary.split_of(word) == split or word in NAMES


def test_forms_are_what_inflection_makes() -> None:
    rng = np.random.default_rng(0)
    for word in ("city", "hop", "bake", "lantern", "1987"):
        made = {vocabulary.inflect(word, rng) for _ in range(100)}
        assert vocabulary.forms(word) == made | {word}


def test_unknown_split_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="train"):
        vocabulary.load_words("dev")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("city", "cities"), ("day", "days"), ("box", "boxes"), ("church", "churches"), ("lantern", "lanterns")],
)
def test_plural(word: str, expected: str) -> None:
    assert vocabulary.plural(word) == expected


def test_inflection_keeps_numbers_and_phrases_and_doubles_consonants() -> None:
    rng = np.random.default_rng(0)
    assert {vocabulary.inflect("1987", rng) for _ in range(20)} == {"1987"}
    assert {vocabulary.inflect("red circle", rng) for _ in range(20)} == {"red circle"}
    assert {vocabulary.inflect("hop", rng) for _ in range(60)} == {"hops", "hopping", "hopped"}
    assert {vocabulary.inflect("bake", rng) for _ in range(60)} == {"bakes", "baking", "baked"}
