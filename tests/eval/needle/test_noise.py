from __future__ import annotations

import numpy as np
import pytest

from clamr_select.eval.needle.codec import through_h264
from clamr_select.eval.needle.language import sentence
from clamr_select.eval.needle.noise import change_letter, mishear, misread, similar_word
from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.render import render_scene
from clamr_select.eval.needle.synonyms import NAMES, PAIRS
from clamr_select.eval.needle.vocabulary import RESERVED, load_words, split_of


def edit_distance(one: list[str] | str, other: list[str] | str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    rng = np.random.default_rng(0)
    return [sentence(rng, modality="asr", split="test")[0] for _ in range(400)]


def test_one_spoken_word_in_five_is_wrong(lines: list[str]) -> None:
    rng = np.random.default_rng(1)
    heard = [mishear(line, rng, split="test") for line in lines]
    errors = sum(edit_distance(a.split(), b.split()) for a, b in zip(lines, heard, strict=True))
    words = sum(len(line.split()) for line in lines)
    assert errors / words == pytest.approx(0.2, abs=0.02)
    longer = sum(len(line.split()) for line in heard) - words
    assert abs(longer) / words < 0.03  # as many words are lost as are added; most are exchanged
    known = set(load_words())
    new = {w for line in heard for w in line.split() if w in known} - {w for line in lines for w in line.split()}
    assert len(new) > 100
    assert sum(split_of(w) != "test" for w in new) <= 3  # misspelt, and by chance a word


def test_one_letter_on_screen_in_twenty_is_wrong(lines: list[str]) -> None:
    rng = np.random.default_rng(1)
    read = [misread(line, rng) for line in lines]
    errors = sum(edit_distance(a, b) for a, b in zip(lines, read, strict=True))
    letters = sum(len(line.replace(" ", "")) for line in lines)
    assert errors / letters == pytest.approx(0.05, abs=0.008)


def test_one_letter_and_similar_words() -> None:
    rng = np.random.default_rng(0)
    changed = {change_letter("lantern", rng) for _ in range(200)}
    assert "lantern" not in changed or len(changed) > 20
    assert all(edit_distance("lantern", word) <= 1 for word in changed)
    assert change_letter("a", rng)
    similar = {similar_word("lantern", rng, split="train") for _ in range(30)}
    assert "lantern" not in similar
    assert similar <= set(load_words("train"))
    assert similar_word("yyy", rng, split="test") is None


def test_synonyms_are_pairs_of_words_outside_every_split() -> None:
    assert len(PAIRS) >= 150
    assert len(set(NAMES)) == len(NAMES) == 2 * len(PAIRS)
    assert not set(NAMES) & (RESERVED | set(load_words()))


def test_pictures_through_the_codec() -> None:
    rng = np.random.default_rng(0)
    images = [render_scene(draw_scene(rng, split="train"), width=126, height=224) for _ in range(2)]
    given = [images[0], images[0], images[1]]
    seen = through_h264(given)
    assert len(seen) == 3
    assert seen[0] is seen[1]
    for before, after in zip(given, seen, strict=True):
        assert after.shape == before.shape
        assert after.dtype == np.uint8
        assert 0.3 < np.abs(after.astype(int) - before).mean() < 14
    assert np.array_equal(seen[2], through_h264(given)[2])
    fine = through_h264(given, crf=10)
    assert np.abs(fine[2].astype(int) - given[2]).mean() < np.abs(seen[2].astype(int) - given[2]).mean()
    assert through_h264([]) == []
