"""What is looked at: pure rules, against naive ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clamr_select.errors import UnknownNameError
from clamr_select.indexing.coarse_to_fine.effort import EFFORT_PLANS, EffortPlan, check_effort
from clamr_select.indexing.coarse_to_fine.parts import joined_warnings, some_candidates
from clamr_select.indexing.coarse_to_fine.proposals import best_of_windows, propose_windows
from clamr_select.indexing.coarse_to_fine.trigrams import TrigramIndex, trigrams
from clamr_select.scoring.tokens import TokenEmbeddings, concatenate


@pytest.mark.parametrize("num_candidates", [1, 2, 3, 4, 5, 17, 10_800])
@pytest.mark.parametrize("step", [2, 3, 4])
def test_the_skim_leaves_no_long_gap(num_candidates: int, step: int) -> None:
    seen = EffortPlan(skim_step=step, dense_windows=1).skimmed(num_candidates)

    assert seen[0] < step
    assert num_candidates - seen[-1] <= step
    assert set(np.diff(seen)) <= {step}
    assert len(seen) <= -(-num_candidates // step)


def test_cost_grows_slower_than_duration() -> None:
    plan, window = EFFORT_PLANS["fast"], 4
    shares = [
        (len(plan.skimmed(n)) + min(plan.dense_windows, n // window) * window) / n for n in (600, 1800, 3600, 10_800)
    ]

    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.33


def test_short_videos_are_covered() -> None:
    plan = EffortPlan(skim_step=4, dense_windows=8)

    assert plan.covers(8)
    assert not plan.covers(9)


def test_an_unknown_effort_is_named() -> None:
    check_effort("full")
    with pytest.raises(UnknownNameError, match=r"quick.*balanced, fast, full"):
        check_effort("quick")


@pytest.mark.parametrize("num_candidates", [4, 7, 8])
def test_the_best_of_windows_as_by_hand(num_candidates: int) -> None:
    scores = np.random.default_rng(0).normal(size=num_candidates)
    scores[1] = -np.inf

    expected = [max(scores[first : first + 4]) for first in range(0, num_candidates, 4)]
    assert best_of_windows(scores, window_candidates=4).tolist() == expected


def test_kinds_of_evidence_take_turns() -> None:
    pictures = np.array([0.1, 0.9, 0.8, 0.7])
    words = np.array([500.0, -np.inf, -np.inf, 400.0])

    assert propose_windows([pictures, words], num_windows=1) == (1,)
    assert propose_windows([pictures, words], num_windows=2) == (0, 1)
    assert propose_windows([pictures, words], num_windows=3) == (0, 1, 2)
    assert propose_windows([words], num_windows=3) == (0, 3)
    assert propose_windows([np.full(4, -np.inf)], num_windows=3) == ()
    assert propose_windows([], num_windows=3) == ()


def test_forced_windows_are_there_and_count() -> None:
    pictures = np.array([0.1, 0.9, 0.8, 0.7])

    assert propose_windows([pictures], num_windows=2, forced=(3,)) == (1, 3)
    assert propose_windows([pictures], num_windows=2, forced=(1,)) == (1, 2)
    assert propose_windows([pictures], num_windows=1, forced=(0, 3)) == (0, 3)
    assert propose_windows([], num_windows=2, forced=(3,)) == (3,)


def test_the_earlier_of_equals_is_proposed() -> None:
    assert propose_windows([np.zeros(5)], num_windows=2) == (0, 1)


def test_proposals_against_a_naive_loop() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        channels = [np.where(generator.random(30) < 0.3, -np.inf, generator.random(30)) for _ in range(3)]
        budget = int(generator.integers(1, 30))
        taken: list[int] = []
        for rank in range(30):
            for scores in channels:
                best = sorted((window for window in range(30) if scores[window] > -np.inf), key=lambda w: -scores[w])
                if rank < len(best) and best[rank] not in taken and len(taken) < budget:
                    taken.append(best[rank])
        assert propose_windows(channels, num_windows=budget) == tuple(sorted(taken))


def test_trigrams_forgive_a_letter() -> None:
    assert trigrams("Dog!") == ["^do", "dog", "og$"]
    index = TrigramIndex(["the bugle on the pier", "a walrus slept", ""])
    scores = index.scores("bugel on a peir")

    assert scores.argmax() == 0
    assert scores[2] == 0
    assert TrigramIndex(["", ""]).scores("anything").tolist() == [0, 0]


def test_bm25_as_another_library_has_it() -> None:
    bm25s = pytest.importorskip("bm25s")
    texts = ["the bugle on the pier", "a walrus slept beside the cello", "the pier, the pier", "bugles and cellos"]
    question = "which bugle lies on the pier?"
    corpus = [trigrams(text) for text in texts]
    other = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    other.index(corpus, show_progress=False)
    known = {term for row in corpus for term in row}
    expected = other.get_scores([term for term in trigrams(question) if term in known])

    np.testing.assert_allclose(TrigramIndex(texts).scores(question), expected, rtol=1e-5)


def test_some_candidates_put_together_are_all() -> None:
    candidates = torch.tensor([0, 0, 1, 3, 3, 3, 4])
    tokens = TokenEmbeddings(
        vectors=torch.randn(7, 8),
        modality_ids=torch.ones(7, dtype=torch.int64),
        first_candidates=candidates,
        last_candidates=candidates,
        num_candidates=5,
        modalities=("video",),
    )
    together = concatenate([some_candidates(tokens, start=a, stop=b) for a, b in ((0, 2), (2, 3), (3, 5))])

    assert torch.equal(together.vectors, tokens.vectors)
    assert torch.equal(together.first_candidates, candidates)
    assert together.num_candidates == 5


def test_warnings_of_windows_are_joined() -> None:
    found = joined_warnings([("a", "first"), ("b", "only"), ("a", "second")])

    assert [(warning.code, warning.message) for warning in found] == [
        ("a", "first (and the like in 1 other windows)"),
        ("b", "only"),
    ]
