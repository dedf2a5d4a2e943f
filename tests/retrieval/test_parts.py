"""The parts a corpus is made of: bounding, the first stage's encoding, records."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from clamr_select.errors import DamagedCorpusError
from clamr_select.retrieval.bounding import RUN_TOKENS, bound_tokens
from clamr_select.retrieval.engine import Point
from clamr_select.retrieval.fixed_encoding import FixedEncoding
from clamr_select.retrieval.record import from_bytes, to_bytes
from clamr_select.retrieval.video_embeddings import bounded_embeddings

from .conftest import unit


def test_few_tokens_are_all_kept():
    vectors = unit(np.random.default_rng(0), 30)
    bounded = bound_tokens(vectors, max_tokens=30)
    assert np.array_equal(bounded.vectors, vectors)
    assert (bounded.num_tokens, bounded.least_similarity) == (30, 1.0)


@pytest.mark.parametrize("max_tokens", [1, 7, 100, 999])
def test_many_are_bounded_to_their_own_in_their_order(max_tokens):
    vectors = unit(np.random.default_rng(0), 10_000)
    bounded = bound_tokens(vectors, max_tokens=max_tokens)

    assert len(bounded.vectors) == max_tokens
    positions = np.array([int(np.flatnonzero((vectors == one).all(axis=1))[0]) for one in bounded.vectors])
    assert (np.diff(positions) > 0).all()
    assert np.array_equal(bound_tokens(vectors, max_tokens=max_tokens).vectors, bounded.vectors)
    # each stretch of time keeps its share, and is measured by what it keeps itself
    edges = np.linspace(0, 10_000, min(-(-10_000 // RUN_TOKENS), max_tokens) + 1).astype(int)
    stretches = [positions[(first <= positions) & (positions < last)] for first, last in pairwise(edges)]
    assert max(map(len, stretches)) - min(map(len, stretches)) <= 1
    nearest = [
        (vectors[first:last] @ vectors[kept].T).max(axis=1).min()
        for (first, last), kept in zip(pairwise(edges), stretches, strict=True)
    ]
    assert bounded.least_similarity == pytest.approx(min(nearest), abs=1e-6)


def test_what_comes_once_stays_and_what_repeats_shrinks():
    rng = np.random.default_rng(0)
    common = unit(rng, 5)
    noisy = common[rng.integers(5, size=4000)] + rng.normal(size=(4000, common.shape[1])) * 0.01
    vectors = (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)
    rare = unit(rng, 3)
    vectors[[100, 2000, 3900]] = rare

    bounded = bound_tokens(vectors, max_tokens=20)

    for one in (*rare, *common):
        assert (bounded.vectors @ one).max() > 0.98
    assert bounded.least_similarity > 0.95


def test_what_was_left_out_is_said():
    video = bounded_embeddings("v", {"asr": unit(np.random.default_rng(0), 90), "ocr": np.zeros((0, 16))}, max_tokens=9)
    assert {name: len(tokens) for name, tokens in video.vectors.items()} == {"asr": 9}
    assert "90 tokens became 9" in video.left_out["asr"]


def test_a_record_is_the_point_again_and_damage_is_seen():
    point = Point("an-id", {"metadata": {"a": [1, "ü"]}}, {"asr": unit(np.random.default_rng(0), 3)})
    data = to_bytes(point)
    again = from_bytes(data, what="it")
    assert (again.id, again.payload) == (point.id, point.payload)
    assert np.array_equal(again.vectors["asr"], point.vectors["asr"])
    for damaged in (b"", data[:20], data[:-3], b"\xff" * 100, to_bytes(point).replace(b"video 1", b"video 9")):
        with pytest.raises(DamagedCorpusError):
            from_bytes(damaged, what="it")


@pytest.mark.parametrize("center", [(), tuple(np.full(16, 0.2))])
def test_the_first_stage_ranks_the_answer_far_up(center):
    """Documents that hold the question's own tokens among others, against a hundred that do not."""
    rng = np.random.default_rng(0)
    encoding = FixedEncoding(16, center)
    ranks = []
    for _ in range(20):
        query = unit(rng, 6)
        documents = [unit(rng, 30) for _ in range(100)]
        documents[37] = np.concatenate([documents[37], query])
        scores = [encoding.query(query) @ encoding.document(document) for document in documents]
        ranks.append(sum(score > scores[37] for score in scores))

    assert np.mean(ranks) < 10  # by chance 50


def test_the_first_stage_is_the_same_everywhere():
    """Numbers that any change of the encoding would change: libraries on disk hold them."""
    tokens = np.eye(16, dtype=np.float32)[:5]
    encoded = FixedEncoding(16).document(tokens)
    assert encoded.shape == (16384,)
    assert float(encoded @ np.cos(np.arange(16384))) == pytest.approx(1.2813, abs=1e-3)
