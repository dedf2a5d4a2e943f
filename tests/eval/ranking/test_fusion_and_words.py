"""Late fusion and BM25 by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.ranking.fusion import DEFAULT_ROUTE, mean_of_present, reciprocal_rank_fusion, route, routed
from clamr_select.eval.ranking.words import Bm25


def test_reciprocal_ranks_by_hand():
    one, other = np.array([[3.0, 1.0, 1.0, -np.inf]]), np.array([[0.0, 9.0, -np.inf, -np.inf]])
    expected = [[1 / 61 + 1 / 62, 1 / 62.5 + 1 / 61, 1 / 62.5, 0.0]]
    np.testing.assert_allclose(reciprocal_rank_fusion([one, other]), expected)


@pytest.mark.parametrize(
    ("question", "modality"),
    [
        ("What does the speaker say about tulips?", "asr"),
        ("the sign with tulips written on it", "ocr"),
        ("the video titled tulips", "description"),
        ("show me a red circle", "video"),
        ("tulips?", DEFAULT_ROUTE),
        ("written tulips, a red star", "video"),
    ],
)
def test_the_router_reads_cues(question, modality):
    assert route(question) == modality
    tables = {name: np.full((1, 2), n) for n, name in enumerate(("video", "ocr", "asr", "description"))}
    assert routed(tables, questions=[question])[0, 0] == list(tables).index(modality)


def test_the_router_keeps_to_what_there_is():
    assert route("what does the speaker say", modalities=("video", "ocr")) == "video"
    assert route("tulips", modalities=("ocr", "asr")) == DEFAULT_ROUTE
    tables = {"video": np.zeros((1, 2)), "ocr": np.ones((1, 2))}
    assert routed(tables, questions=["what is written, says the speaker"]).tolist() == [[1.0, 1.0]]


def test_means_are_over_those_that_score():
    one, other = np.array([[1.0, -np.inf, -np.inf]]), np.array([[3.0, 4.0, -np.inf]])
    assert mean_of_present([one, other]).tolist() == [[2.0, 4.0, -np.inf]]


@pytest.mark.parametrize("terms", ["words", "trigrams"])
def test_bm25_is_its_formula(terms):
    texts = ["harbor lantern harbor", "glacier walrus", "lantern of a walrus lantern", ""]
    index = Bm25(texts, terms=terms)

    def split(text):
        words = [w for w in text.split() if w not in ("of", "a") or terms == "trigrams"]
        if terms == "words":
            return words
        return [f"^{w}$"[i : i + 3] for w in words for i in range(len(w))]

    rows = [split(text) for text in texts]
    mean = sum(map(len, rows)) / len(rows)
    found = index.scores("the lantern harbor")
    for number, row in enumerate(rows):
        score = 0.0
        for term in split("lantern harbor"):
            having = sum(term in other for other in rows)
            idf = math.log(1 + (len(rows) - having + 0.5) / (having + 0.5))
            count = row.count(term)
            score += idf * count / (count + 1.5 * (1 - 0.75 + 0.75 * len(row) / mean))
        assert found[number] == pytest.approx(score, abs=1e-4)
    assert not index.scores("zzz").any()
    with pytest.raises(InputError, match="none"):
        Bm25([], terms=terms)


def test_bm25_of_nothing_is_zero_and_its_terms_are_checked():
    assert not Bm25(["", ""], terms="words").scores("harbor").any()
    with pytest.raises(UnknownNameError, match="trigrams"):
        Bm25(["a"], terms="letters")
