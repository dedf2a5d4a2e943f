"""What every policy keeps, whatever its rule: counts, order, ties, repeatability, wrong input named."""

from __future__ import annotations

import inspect
import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.errors import InputError
from clamr_select.policies import POLICIES, policy_inputs, select_indices

from .conftest import choose, unit_vectors

EVERY = pytest.mark.parametrize("policy", sorted(POLICIES))
UNSCORED = ("uniform",)
"""They look at no score."""
BY_NOISE = ("gumbel_topk", "focus")
"""Seeded draws decide, so the best score need not be taken."""


@st.composite
def candidates(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """Scores with many ties (some off by rounding) and uneven times."""
    count = draw(st.integers(1, 40))
    steps = draw(st.lists(st.sampled_from([0.04, 0.5, 1.0, 1.0, 7.5]), min_size=count, max_size=count))
    timestamps = np.round(draw(st.sampled_from([-1.5, 0.0, 3600.0])) + np.cumsum(steps), 3).tolist()
    levels = [-0.2, 0.0, 0.1, 0.1 + 3e-8, 0.7]
    return draw(st.lists(st.sampled_from(levels), min_size=count, max_size=count)), timestamps


@EVERY
@settings(max_examples=60, deadline=None)
@given(case=candidates(), num_frames=st.integers(1, 50), seed=st.integers(0, 3))
def test_exactly_min_of_frames_and_candidates_in_order(policy, case, num_frames, seed):
    scores, timestamps = case
    vectors = unit_vectors(len(scores), seed=seed)
    result = choose(policy, scores, num_frames, timestamps=timestamps, embeddings=vectors)
    assert len(result.indices) == min(num_frames, len(scores))
    assert all(a < b for a, b in pairwise(result.indices))
    assert result.indices[0] >= 0
    assert result.indices[-1] < len(scores)
    assert all(type(i) is int for i in result.indices)
    assert ("fewer_candidates" in dict(result.warnings)) == (num_frames > len(scores))
    again = choose(policy, scores, num_frames, timestamps=timestamps, embeddings=vectors)
    assert again == result


@EVERY
@settings(max_examples=30, deadline=None)
@given(case=candidates(), num_frames=st.integers(1, 12), random=st.randoms(use_true_random=False))
def test_rounding_noise_changes_nothing(policy, case, num_frames, random):
    scores, timestamps = case
    noisy = [s + random.uniform(-1e-8, 1e-8) for s in scores]
    clean = choose(policy, scores, num_frames, timestamps=timestamps)
    assert clean.indices == choose(policy, noisy, num_frames, timestamps=timestamps).indices


@EVERY
@pytest.mark.parametrize(("num_candidates", "num_frames"), [(100, 7), (8, 8), (9, 2), (1000, 64), (5, 9), (2, 1)])
def test_constant_scores_are_uniform_sampling_with_a_warning(policy, num_candidates, num_frames):
    flat = [0.25 + 1e-9 * (i % 3) for i in range(num_candidates)]
    result = choose(policy, flat, num_frames)
    assert result.indices == choose("uniform", flat, num_frames).indices
    assert ("flat_scores" in dict(result.warnings)) == (policy not in UNSCORED)


@EVERY
@pytest.mark.parametrize("num_candidates", [1, 2, 3, 17, 33, 129])
def test_edges_of_the_number_of_frames(policy, num_candidates):
    scores = np.random.default_rng(num_candidates).random(num_candidates)
    assert choose(policy, scores, num_candidates).indices == tuple(range(num_candidates))
    assert choose(policy, scores, num_candidates + 3).indices == tuple(range(num_candidates))
    assert len(choose(policy, scores, 1).indices) == 1


@pytest.mark.parametrize("policy", sorted(set(POLICIES) - set(UNSCORED) - set(BY_NOISE)))
def test_the_one_frame_that_stands_out_is_taken(policy):
    scores = np.full(300, 0.1) + np.random.default_rng(0).random(300) * 0.05
    scores[217] = 0.9
    assert 217 in choose(policy, scores, 8).indices


@pytest.mark.parametrize(
    "policy", ["topk", "topk_gap", "tass", "aks", "mmr", "dpp", "markey", "peak_and_spread", "bolt"]
)
def test_a_tie_wider_than_the_places_left_is_spread_in_time(policy):
    # identical frames with identical scores: nothing but time can tell them apart
    scores = np.array([0.9] + [0.5] * 90 + [0.1] * 9)
    vectors = np.tile(unit_vectors(1), (100, 1))
    found = np.array(choose(policy, scores, 10, embeddings=vectors).indices)
    if policy != "bolt":
        assert 0 in found
    tied = found[(found > 0) & (found <= 90)]
    assert len(tied) >= 8
    assert np.diff(tied).max() <= 25


@pytest.mark.parametrize("policy", ["topk", "mmr", "dpp", "omp", "mdp3", "markey", "aks", "tass", "qca", "efs"])
def test_the_earlier_of_two_equal_frames_is_taken(policy):
    scores = np.zeros(64)
    scores[[20, 21]] = 0.8
    scores[22:] = 0.1
    vectors = unit_vectors(64)
    vectors[21] = vectors[20]
    assert 20 in choose(policy, scores, 1, embeddings=vectors).indices


@EVERY
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_named(policy, bad):
    with pytest.raises(InputError, match=r"scores\[2\] is -?(nan|inf)"):
        choose(policy, [0.1, 0.2, bad, 0.3], 2)


@EVERY
def test_equal_timestamps_are_refused(policy):
    with pytest.raises(InputError, match=r"strictly increasing, got 1\.0 then 1\.0 at position 2"):
        choose(policy, [0.1, 0.2, 0.3], 2, timestamps=[0.0, 1.0, 1.0])


@EVERY
def test_input_is_not_changed(policy):
    scores, vectors = np.random.default_rng(0).random(50), unit_vectors(50)
    before = scores.copy(), vectors.copy()
    choose(policy, scores, 8, embeddings=vectors)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(vectors, before[1])


@EVERY
def test_numbers_of_numpy_are_recorded_as_pythons_own(policy):
    kinds = {int: np.int64, float: np.float32}
    defaults = {name: p.default for name, p in inspect.signature(POLICIES[policy]).parameters.items()}
    given = {name: kinds[type(value)](value) for name, value in defaults.items() if type(value) in kinds}
    result = choose(policy, np.random.default_rng(0).random(50), 8, **given)
    assert set(given) <= set(json.loads(json.dumps(result.parameters)))


@EVERY
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_the_precision_of_the_embeddings_only_rounds(policy, precision):
    scores, vectors = np.random.default_rng(5).random(200), unit_vectors(200)
    assert len(choose(policy, scores, 12, embeddings=vectors.astype(precision)).indices) == 12


@pytest.mark.parametrize("policy", sorted(name for name in POLICIES if any(policy_inputs(name).values())))
def test_policies_that_compare_frames_say_so(policy):
    with pytest.raises(InputError, match=rf"policy '{policy}' compares frames: pass embeddings"):
        select_indices([0.1, 0.2], timestamps_seconds=[0.0, 1.0], num_frames=1, policy=policy)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (np.ones((2, 4)), r"embeddings must be floating point of shape \(3, dim\).*got float64 of shape \(2, 4\)"),
        (np.ones((3, 4), dtype=int), "got int64"),
        (np.eye(3) * [[1], [1], [2]], r"embeddings\[2\] has length 2; normalise"),
        (np.full((3, 4), np.nan), r"embeddings\[0\] has length nan"),
    ],
)
def test_wrong_embeddings_fail(embeddings, message):
    with pytest.raises(InputError, match=message):
        choose("mmr", [0.1, 0.2, 0.3], 2, embeddings=embeddings)


WRONG_PARAMETERS = [
    ("uniform", {"variant": "middle"}, "unknown variant 'middle'"),
    ("tass", {"gap_seconds": 0}, "gap_seconds must be a finite number >= 1e-06, got 0"),
    ("aks", {"threshold": 1.5}, "threshold must be a finite number from -1 to 1, got 1.5"),
    ("aks", {"max_depth": -1}, "max_depth must be a whole number >= 0, got -1"),
    ("aks_bins", {"num_bins": 3}, "num_bins must be a whole number from 1 to 2, got 3"),
    ("bolt", {"power": 0}, "power must be a finite number"),
    ("gumbel_topk", {"temperature": math.inf}, "temperature must be a finite number .* got inf"),
    ("gumbel_topk", {"seed": 1.5}, "seed must be a whole number >= 0, got 1.5"),
    ("peak_and_spread", {"prominence": 2}, "prominence must be a finite number from 0 to 1, got 2"),
    ("focus", {"zoom_share": "half"}, "zoom_share must be a finite number from 0 to 1, got 'half'"),
    ("air", {"growth": 0.5}, "growth must be a finite number >= 1, got 0.5"),
    ("wfs_sb", {"temperature": 0}, "temperature must be a finite number"),
    ("mmr", {"relevance_weight": True}, "relevance_weight must be a finite number from 0 to 1, got True"),
    ("dpp", {"relevance": "cosine"}, "unknown relevance 'cosine'"),
    ("dpp", {"strength": -1}, "strength must be a finite number >= 0, got -1"),
    ("mdp3", {"balance": 0}, "balance must be a finite number"),
    ("mdp3", {"segment_size": 0}, "segment_size must be a whole number >= 1, got 0"),
    ("markey", {"max_anchors": 0}, "max_anchors must be a whole number >= 1, got 0"),
    ("qca", {"num_segments": 0}, "num_segments must be a whole number >= 1, got 0"),
    ("efs", {"radius": 0}, "radius must be a whole number >= 1, got 0"),
]


@pytest.mark.parametrize(("policy", "parameters", "message"), WRONG_PARAMETERS)
@pytest.mark.parametrize("scores", [[0.1, 0.2, 0.3], [0.5, 0.5, 0.5]], ids=["scores", "flat"])
def test_wrong_parameters_fail(policy, parameters, message, scores):
    with pytest.raises(InputError, match=message):
        choose(policy, scores, 2, **parameters)
