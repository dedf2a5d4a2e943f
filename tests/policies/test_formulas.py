"""Published rules against naive loops, and a made case for each that only it gets right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clamr_select.policies import MatrixSimilarity, select_indices
from clamr_select.policies.greedy import screened
from clamr_select.policies.similarity import PooledSimilarity, SomeCandidates, rows, some_candidates

from .conftest import choose, unit_vectors

SEEDS = pytest.mark.parametrize("seed", range(6))


def random_case(seed: int, *, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    return np.round(np.random.default_rng(seed).random(count), 6), unit_vectors(count, seed=seed)


def unit(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.min()) / (scores.max() - scores.min())


@pytest.mark.parametrize(
    ("variant", "expected"), [("mid_bin", (1, 3, 6, 8)), ("linspace", (0, 3, 6, 9)), ("stride", (0, 2, 4, 6))]
)
def test_the_three_uniforms(variant, expected):
    assert choose("uniform", np.arange(10.0), 4, variant=variant).indices == expected


def test_aks_splits_where_the_best_do_not_stand_out():
    # one short burst stands out: kept whole; two halves each with a burst: the frames are shared
    burst = np.zeros(64)
    burst[10:14] = 1.0
    assert choose("aks", burst, 4).indices == (10, 11, 12, 13)
    two = np.full(64, 0.6)
    two[[5, 6, 7, 8]] = 1.0
    two[[0, 40]] = [0.0, 0.9]
    assert 40 in choose("aks", two, 4, threshold=0.8, max_depth=1).indices
    assert choose("topk", two, 4).indices == (5, 6, 7, 8)


def test_aks_gives_every_frame_where_the_parts_do_not_divide_the_budget():
    assert len(choose("aks", np.random.default_rng(1).random(100), 7).indices) == 7


def test_aks_bins_takes_the_best_of_each_part():
    scores = np.array([0.1, 0.9, 0.8, 0.2, 0.3, 0.1, 0.0, 0.4])
    assert choose("aks_bins", scores, 2, num_bins=2).indices == (1, 7)


def test_bolt_is_the_inverse_of_the_distribution():
    scores = np.array([0.0, 1.0, 0.0, 1.0, 2.0, 0.5])
    weights = unit(scores) ** 2
    running = np.cumsum(weights) / weights.sum()
    expected = [next(i for i, f in enumerate(running) if f >= u) for u in np.linspace(1 / 3, 2 / 3, 3)]
    assert set(expected) <= set(choose("bolt", scores, 3, power=2).indices)


def test_bolt_asks_for_the_middle_with_one_frame():
    assert choose("bolt", np.array([0.0, 1.0, 1.0, 1.0, 0.0]), 1, power=1).indices == (2,)


def test_gumbel_noise_depends_on_the_seed_alone():
    scores = np.random.default_rng(0).random(200)
    drawn = {choose("gumbel_topk", scores, 8, seed=seed).indices for seed in range(5)}
    assert len(drawn) == 5
    cold = choose("gumbel_topk", scores, 8, temperature=1e-6)
    assert cold.indices == choose("topk", scores, 8).indices


def test_gumbel_draws_by_softmax():
    scores = np.array([0.0, 1.0, 2.0])
    drawn = [choose("gumbel_topk", scores, 1, temperature=1.0, seed=seed).indices[0] for seed in range(2000)]
    shares = np.bincount(drawn, minlength=3) / 2000
    np.testing.assert_allclose(shares, np.exp(scores) / np.exp(scores).sum(), atol=0.04)


def test_tass_takes_nothing_below_the_mean_while_there_is_enough_above():
    scores = np.zeros(100)
    scores[10:14] = [0.9, 0.8, 0.7, 0.6]
    scores[50] = 0.5
    found = choose("tass", scores, 2, gap_seconds=20).indices
    assert found == (10, 50)


def test_tass_spreads_a_tie_wider_than_its_pool():
    found = choose("tass", [0.9] * 100 + [0.1] * 100, 8).indices
    assert found[0] < 15
    assert found[-1] >= 85
    assert max(np.diff(found)) <= 20


@SEEDS
def test_tass_equals_a_naive_loop(seed):
    scores, _ = random_case(seed, count=120)
    pool = sorted(sorted(np.flatnonzero(scores > scores.mean()), key=lambda i: -scores[i])[: 4 * 5])
    taken, gap = [], 20.0
    while len(taken) < 5:
        for at in sorted(pool, key=lambda i: -scores[i]):
            if len(taken) < 5 and at not in taken and all(abs(at - other) >= gap for other in taken):
                taken.append(at)
        gap /= 2
    assert list(choose("tass", scores, 5).indices) == sorted(taken)


@SEEDS
@pytest.mark.parametrize("weight", [0.3, 0.5, 1.0])
def test_mmr_equals_a_naive_loop(seed, weight):
    scores, vectors = random_case(seed)
    taken = [int(scores.argmax())]
    while len(taken) < 7:
        gains = {
            i: weight * unit(scores)[i] - (1 - weight) * max(float(vectors[i] @ vectors[j]) for j in taken)
            for i in range(len(scores))
            if i not in taken
        }
        taken.append(max(gains, key=lambda i: gains[i]))
    assert list(choose("mmr", scores, 7, embeddings=vectors, relevance_weight=weight).indices) == sorted(taken)


@SEEDS
@pytest.mark.parametrize("kind", ["minmax", "exponential"])
def test_dpp_equals_naive_determinants(seed, kind):
    scores, vectors = random_case(seed)
    strength = 1.5
    relevance = np.maximum(unit(scores), 1e-6) ** strength
    if kind == "exponential":
        relevance = np.exp(strength * (scores - scores.mean()) / scores.std())
    kernel = relevance[:, None] * (vectors @ vectors.T) * relevance
    taken: list[int] = []
    while len(taken) < 6:
        left = [i for i in range(len(scores)) if i not in taken]
        taken.append(max(left, key=lambda i: np.linalg.slogdet(kernel[np.ix_([*taken, i], [*taken, i])])[1]))
    result = choose("dpp", scores, 6, embeddings=vectors, relevance=kind, strength=strength)
    assert list(result.indices) == sorted(taken)


@SEEDS
def test_omp_equals_naive_projections(seed):
    _, vectors = random_case(seed)
    query = unit_vectors(1, seed=100 + seed)[0]
    residual, taken = query.copy(), []
    while len(taken) < 6:
        left = [i for i in range(len(vectors)) if i not in taken]
        taken.append(max(left, key=lambda i: float(vectors[i] @ residual)))
        basis = vectors[taken].T
        residual = query - basis @ np.linalg.lstsq(basis, query, rcond=None)[0]
    # scores that are rounded to 1e-6, as all are
    assert list(choose("omp", vectors @ query, 6, embeddings=vectors).indices) == sorted(taken)


def test_what_spans_the_space_leaves_the_rest_to_the_scores():
    vectors = np.eye(3)[np.arange(12) % 3]
    scores = np.linspace(1.0, 0.1, 12)
    for policy in ("dpp", "omp"):
        assert choose(policy, scores, 5, embeddings=vectors).indices == (0, 1, 2, 3, 4)


@SEEDS
def test_mdp3_equals_a_naive_search_by_determinants(seed):
    scores, vectors = random_case(seed, count=24)
    alphas = [2.0**k for k in range(-3, 2)]

    def kernel(a: np.ndarray) -> np.ndarray:
        return sum(np.exp(-(2 - 2 * a) / (2 * alpha)) for alpha in alphas)

    inside, relevance = kernel(vectors @ vectors.T), np.log(kernel(scores))

    def value(frames: list[int]) -> float:
        return 10 * relevance[frames].sum() + np.linalg.slogdet(inside[np.ix_(frames, frames)])[1]

    best: list[tuple[float, list[int]]] = [(0.0, [])]
    for start in range(0, 24, 8):
        found: dict[int, tuple[float, list[int]]] = {}
        for count, (score, frames) in enumerate(best):
            given, own = frames[-1:], []
            options = [(0.0, [])]
            for _ in range(min(5 - count, 8)):
                left = [i for i in range(start, start + 8) if i not in own]
                own = [*own, max(left, key=lambda i: value([*given, *own, i]))]
                options.append((value([*given, *own]), sorted(own)))
            for gained, more in options:
                key = count + len(more)
                if key not in found or score + gained > found[key][0]:
                    found[key] = (score + gained, [*frames, *more])
        found[0] = (0.0, [])
        best = [found[count] for count in range(len(found))]
    result = choose("mdp3", scores, 5, embeddings=vectors, segment_size=8)
    assert list(result.indices) == sorted(best[5][1])


@SEEDS
def test_markey_equals_a_naive_loop(seed):
    scores, vectors = random_case(seed)
    alike = vectors @ vectors.T
    anchors = set()
    for clip in range(0, 40, 10):
        order = sorted(range(clip, clip + 10), key=lambda i: (-scores[i], i))
        anchors |= {order[0], order[5], order[9]}

    def gain(i: int, taken: list[int]) -> float:
        covered = {u: max([0.0, *(alike[u, j] for j in taken)]) for u in anchors}
        coverage = sum(max(alike[u, i] - covered[u], 0) for u in anchors) / len(anchors)
        near = [alike[i, j] for j in taken if abs(i - j) <= 10]
        return 0.7 * unit(scores)[i] + 0.2 * coverage - 0.1 * max([0.0, *near])

    taken: list[int] = []
    while len(taken) < 6:
        taken.append(max((i for i in range(40) if i not in taken), key=lambda i: gain(i, taken)))
    assert list(choose("markey", scores, 6, embeddings=vectors).indices) == sorted(taken)


def test_peak_and_spread_takes_peaks_with_their_neighbours():
    curve = np.zeros(400)
    for peak, height in ((50, 1.0), (150, 0.9), (250, 0.8), (350, 0.7)):
        curve += height * np.exp(-np.abs(np.arange(400) - peak) / 30)
    found = choose("peak_and_spread", curve, 16).indices
    assert {50, 150, 250, 350} <= set(found)
    assert {49, 50, 51} & set(found)
    assert choose("peak_and_spread", curve, 7).indices == choose("topk", curve, 7).indices


def test_wfs_sb_gives_each_segment_its_share():
    rng = np.random.default_rng(0)
    scores = np.concatenate([np.full(150, 0.2), np.full(150, 0.9), np.full(150, 0.3)]) + rng.random(450) * 0.02
    found = np.array(choose("wfs_sb", scores, 12).indices)
    assert ((found >= 145) & (found < 305)).sum() >= 4
    assert (found < 145).any() or (found >= 305).any()


def test_wfs_sb_without_features_compares_positions():
    scores = np.random.default_rng(0).random(300)
    result = select_indices(scores, timestamps_seconds=np.arange(300.0), num_frames=8, policy="wfs_sb")
    assert result.parameters["similarity"] == "positions"
    assert choose("wfs_sb", scores, 8).parameters["similarity"] == "frames"


def test_qca_takes_an_anchor_from_each_segment_it_pays_for():
    scores, vectors = random_case(3, count=160)
    found = np.array(choose("qca", scores, 16, embeddings=vectors).indices)
    anchors = [first + int(scores[first : first + 10].argmax()) for first in range(0, 160, 10)]
    paid = {index // 10 for index in found}
    assert all(anchors[segment] in found for segment in paid)


def test_focus_looks_at_few_candidates_and_finds_the_clip():
    scores = np.full(1600, 0.1) + np.random.default_rng(0).random(1600) * 0.01
    scores[800:816] = 0.9
    found = np.array(choose("focus", scores, 8).indices)
    assert ((found >= 800) & (found < 816)).sum() >= 2


@pytest.mark.parametrize("step_seconds", [2.0, 10.0])
def test_focus_counts_its_arms_in_seconds(step_seconds):
    scores = np.random.default_rng(0).random(1600)
    slow = choose("focus", scores, 8, timestamps=np.arange(1600) * step_seconds, arm_seconds=16 * step_seconds)
    assert slow.indices == choose("focus", scores, 8, arm_seconds=16).indices


@pytest.mark.parametrize("temperature", [1e-9, 0.001])
def test_focus_draws_at_temperatures_that_leave_one_share(temperature):
    scores = np.random.default_rng(0).random(400)
    assert len(choose("focus", scores, 64, temperature=temperature).indices) == 64


def test_air_ranks_events_and_looks_around_their_best():
    scores = np.full(300, 0.1) + np.random.default_rng(0).random(300) * 0.05
    scores[100:110] = 0.9
    scores[105] = 1.0
    scores[200] = 0.95
    found = choose("air", scores, 4).indices
    assert 105 in found
    assert 200 in found
    assert {104, 106} & set(found)


def test_efs_takes_the_best_of_each_event_first():
    vectors = np.repeat(unit_vectors(4, seed=2), 25, axis=0)
    scores = np.random.default_rng(0).random(100) * 0.2
    scores[[10, 30, 60, 90]] = [0.9, 0.5, 0.6, 0.7]
    scores[11] = 0.85
    assert choose("efs", scores, 4, embeddings=vectors).indices == (10, 30, 60, 90)


# --- what they share ---


def test_similarities_of_some_candidates_are_those_of_all():
    vectors = unit_vectors(30)
    positions = np.array([3, 4, 17, 29])
    pooled, table = PooledSimilarity(vectors), MatrixSimilarity(vectors @ vectors.T)
    expected = vectors[positions] @ vectors[positions].T
    for similarity in (pooled, table):
        some = some_candidates(similarity, positions)
        assert len(some) == 4
        np.testing.assert_allclose(rows(some, np.arange(4)), expected)
    assert isinstance(some_candidates(table, positions), SomeCandidates)


@pytest.mark.parametrize("policy", ["mmr", "dpp", "omp", "mdp3", "markey", "wfs_sb"])
def test_a_table_of_similarities_serves_as_well_as_vectors(policy):
    scores, vectors = random_case(1, count=120)
    times = np.arange(120.0)
    table = MatrixSimilarity(vectors @ vectors.T)
    by_table = select_indices(scores, timestamps_seconds=times, num_frames=9, policy=policy, similarity=table)
    assert by_table == choose(policy, scores, 9, embeddings=vectors)


def test_screening_keeps_the_best_of_every_bin():
    scores = np.random.default_rng(0).random(1000)
    kept = screened(scores, np.arange(1000.0), max_candidates=10)
    assert len(kept) == 10
    assert all(scores[i] >= scores[(i // 100) * 100 : (i // 100 + 1) * 100].max() - 1e-12 for i in kept[:-1])
    np.testing.assert_array_equal(screened(scores, np.arange(1000.0), max_candidates=1000), np.arange(1000))


@pytest.mark.parametrize("policy", ["mdp3", "markey"])
def test_screened_policies_still_fill_every_place(policy):
    scores = np.random.default_rng(0).random(500)
    parameters = {"max_candidates": 20} | ({"max_anchors": 5} if policy == "markey" else {})
    assert len(choose(policy, scores, 60, **parameters).indices) == 60
    assert math.isclose(scores[list(choose(policy, scores, 1, **parameters).indices)].max(), scores.max())
