"""How many frames, which must be there, and how large they are shown."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.policies.budgets import (
    VLM_FAMILIES,
    adaptive_num_frames,
    frames_for_seconds,
    frames_for_tokens,
    tokens_of_frames,
    tokens_per_frame,
)
from clamr_select.policies.include import clip_intervals, clip_positions, forced_positions, with_forced
from clamr_select.policies.plans import TIERS, more_smaller_frames, tier_plan, tiers_for_tokens, tiers_of

TIMES = np.arange(100.0)


@pytest.mark.parametrize(
    ("family", "size", "pair", "tokens"),
    [
        ("qwen2.5-vl", (560, 336), "repeat", 20 * 12),
        ("qwen2.5-vl", (560, 336), "none", 20 * 12 // 2),
        ("qwen3-vl", (640, 384), "neighbor", 20 * 12),
        ("qwen2.5-vl", (1280, 720), "repeat", 36 * 20),  # down to 768 at most
        ("qwen2.5-vl", (320, 180), "repeat", 16 * 9),  # up to 128 at least
        ("qwen3-vl", (64, 48), "none", 14 * 10 // 2),
        ("internvl3", (1920, 1080), "repeat", 256),
        ("llava-onevision", (640, 360), "none", 196),
    ],
)
def test_what_a_frame_costs(family, size, pair, tokens):
    assert tokens_per_frame(family, width=size[0], height=size[1], pair=pair) == tokens


@pytest.mark.parametrize("family", sorted(VLM_FAMILIES))
@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (320, 240), (4096, 100)])
def test_a_frame_stays_within_its_familys_limit(family, size):
    known = VLM_FAMILIES[family]
    cost = tokens_per_frame(family, width=size[0], height=size[1])
    if known.cell_pixels:
        assert 1 <= cost <= known.max_pixels / known.cell_pixels**2
        small = tokens_per_frame(family, width=size[0], height=size[1], max_pixels=known.max_pixels // 4)
        assert small <= max(1, known.max_pixels // 4 / known.cell_pixels**2)


def test_as_many_frames_as_fit_the_tokens():
    size = {"width": 560, "height": 336}
    assert frames_for_tokens(2400, family="qwen2.5-vl", **size) == 10
    assert frames_for_tokens(2400, family="qwen2.5-vl", pair="none", **size) == 20
    with pytest.raises(InputError, match=r"costs qwen2\.5-vl 240 tokens with pair='repeat', max_tokens is 100"):
        frames_for_tokens(100, family="qwen2.5-vl", **size)
    with pytest.raises(UnknownNameError, match="unknown VLM family 'gpt'"):
        frames_for_tokens(100, family="gpt", **size)
    with pytest.raises(UnknownNameError, match="unknown pair 'twice'"):
        frames_for_tokens(100, family="qwen3-vl", pair="twice", **size)


@pytest.mark.parametrize(("max_tokens", "num_frames"), [(299, 2), (597, 2), (598, 4), (750, 4), (900, 6)])
def test_an_odd_frame_left_over_costs_a_whole_patch(max_tokens, num_frames):
    frames = {"family": "qwen2.5-vl", "width": 640, "height": 360, "pair": "none"}
    assert frames_for_tokens(max_tokens, **frames) == num_frames
    assert tokens_of_frames(num_frames, **frames) <= max_tokens < tokens_of_frames(num_frames + 1, **frames)
    with pytest.raises(InputError, match=r"costs qwen2\.5-vl 299 tokens with pair='none', max_tokens is 298"):
        frames_for_tokens(298, **frames)


def test_qwen_tokens_are_those_of_its_own_resize():
    theirs = pytest.importorskip("qwen_vl_utils.vision_process")
    sizes = [(1920, 1080), (640, 360), (500, 700), (1280, 720), (333, 777), (320, 180), (64, 48), (2000, 30), (5, 5)]
    for family, side in (("qwen2.5-vl", 28), ("qwen3-vl", 32)):
        least, most = theirs.VIDEO_MIN_TOKEN_NUM * side**2, theirs.VIDEO_MAX_TOKEN_NUM * side**2
        for width, height in sizes:
            for limit in (None, least, most // 2):
                high, wide = theirs.smart_resize(height, width, side, min_pixels=least, max_pixels=limit or most)
                ours = tokens_per_frame(family, width=width, height=height, max_pixels=limit)
                assert ours == high * wide // side**2, (family, width, height, limit)


def test_a_limit_below_the_familys_least_lifts_it():
    assert tokens_per_frame("qwen2.5-vl", width=320, height=180, max_pixels=100 * 28**2) == 11 * 6
    assert tokens_per_frame("qwen2.5-vl", width=320, height=180, max_pixels=28**2) == 1


def test_seconds_buy_frames():
    assert frames_for_seconds(8.0, seconds_per_frame=0.5) == 16
    assert frames_for_seconds(0.2, seconds_per_frame=1.0) == 1
    with pytest.raises(InputError, match="max_seconds"):
        frames_for_seconds(-1.0, seconds_per_frame=1.0)


def test_concentrated_evidence_needs_fewer_frames():
    rng = np.random.default_rng(0)
    peak = rng.random(300) * 0.1
    peak[100:104] = 0.9
    spread = peak.copy()
    spread[::30] = 0.9
    times = np.arange(300.0)
    few = adaptive_num_frames(peak, timestamps_seconds=times, max_frames=16)
    many = adaptive_num_frames(spread, timestamps_seconds=times, max_frames=16)
    assert few == 2
    assert many >= 10
    assert adaptive_num_frames(np.full(300, 0.3), timestamps_seconds=times, max_frames=16) == 16
    assert adaptive_num_frames(peak[:3], timestamps_seconds=times[:3], max_frames=16, min_frames=8) == 3
    with pytest.raises(InputError, match="min_frames"):
        adaptive_num_frames(peak, timestamps_seconds=times, max_frames=4, min_frames=5)


def test_forced_frames_are_the_nearest_candidates():
    assert forced_positions(TIMES, first=True, last=True, at_seconds=[40.4, 0.2]) == (0, 40, 99)
    with pytest.raises(InputError, match="candidates are at 0 to 99 s"):
        forced_positions(TIMES, at_seconds=[140.0])


def test_the_policy_fills_what_is_not_forced():
    chosen = with_forced((0, 99), lambda others, count: range(count), num_candidates=100, num_frames=5)
    assert chosen == (0, 1, 2, 3, 99)
    assert with_forced((0, 99), lambda others, count: [], num_candidates=100, num_frames=2) == (0, 99)
    with pytest.raises(InputError, match="3 frames must be included and num_frames is 2"):
        with_forced((1, 2, 3), lambda others, count: [], num_candidates=100, num_frames=2)


def test_clips_join_where_they_touch():
    found = clip_intervals([1, 10, 13, 50], timestamps_seconds=TIMES, clip_seconds=4)
    assert found == [(0.0, 3.0), (8.0, 15.0), (48.0, 52.0)]


def test_clips_hold_hits_then_their_neighbours_then_the_best_elsewhere():
    scores = np.zeros(100)
    scores[[20, 60, 90]] = [0.9, 0.8, 0.7]
    found = clip_positions([20, 60], scores=scores, timestamps_seconds=TIMES, clip_seconds=4, num_frames=6)
    assert found == (19, 20, 21, 59, 60, 61)
    wide = clip_positions([20], scores=scores, timestamps_seconds=TIMES, clip_seconds=2, num_frames=5)
    assert {19, 20, 21, 60, 90} == set(wide)


def test_more_smaller_frames_cost_as_much():
    count, side = more_smaller_frames(8)
    plan = tier_plan([0.5] * count, tiers=[(count, side)])
    assert (count, plan.equal_frames) == (16, pytest.approx(8.0))
    assert more_smaller_frames(8, token_share=1.0) == (8, 1.0)
    with pytest.raises(InputError, match="token_share"):
        more_smaller_frames(8, token_share=0)


def test_tiers_are_q_frames():
    assert sum(count * side**2 for count, side in TIERS) == 8
    assert tiers_of(8) == TIERS
    assert tiers_of(16) == ((8, 1.0), (16, 0.5), (64, 0.25))
    scores = np.arange(44.0)
    plan = tier_plan(scores.tolist())
    assert plan.equal_frames == 8
    assert plan.side_shares[-4:] == (1.0,) * 4
    assert plan.side_shares[:32] == (0.25,) * 32
    assert plan.max_sides(width=640, height=360)[-1] == 640
    assert math.isclose(tier_plan([1.0, 2.0]).equal_frames, 2.0)
    with pytest.raises(InputError, match="largest side first"):
        tier_plan([1.0], tiers=[(1, 0.5), (1, 1.0)])


def test_the_largest_tiers_that_fit_the_tokens():
    def cost(frames: int, side: float) -> int:
        return frames * round(64 * side**2)

    assert list(tiers_for_tokens(8 * 64, cost=cost)) == [*TIERS]
    totals = [sum(cost(*tier) for tier in tiers_of(num_frames)) for num_frames in range(1, 60)]
    for max_tokens in range(96, 2000, 37):
        most = max(place for place, total in enumerate(totals, start=1) if total <= max_tokens)
        assert tiers_for_tokens(max_tokens, cost=cost) == tiers_of(most)
    with pytest.raises(InputError, match=r"1 at 1 of the side, 1 at 0.5 of the side, 4 at 0.25 .* cost 96 tokens"):
        tiers_for_tokens(95, cost=cost)
