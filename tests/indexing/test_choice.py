"""From scores to frames: budgets, frames that must be there, clips, words of time, options."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.indexing.asking import as_asked
from clamr_select.indexing.choice import ChoiceOptions, choose_frames
from clamr_select.indexing.options import IndexOptions
from clamr_select.policies import PooledSimilarity
from clamr_select.policies.budgets import tokens_of_frames
from clamr_select.policies.questions import QuestionPlan
from clamr_select.selection import VideoFacts
from clamr_select.video.scaling import scaled_size

TIMES = np.arange(200.0)
SCORES = np.random.default_rng(0).random(200) * 0.2
SCORES[[20, 21, 100, 180]] = [0.9, 0.89, 0.8, 0.7]
VECTORS = np.random.default_rng(1).normal(size=(200, 8))
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
FACTS = VideoFacts(560, 336, 5000, 0.0, 200.0, 25.0)


def chosen(plan: QuestionPlan | None = None, *, facts: VideoFacts = FACTS, **given: object):
    inputs = {"mmr": {"similarity": PooledSimilarity(VECTORS)}, "qca": {"embeddings": VECTORS}}
    return choose_frames(
        SCORES,
        timestamps_seconds=TIMES,
        options=ChoiceOptions.of({"num_frames": 4, "policy": "topk_gap", **given}),
        inputs=lambda policy: inputs.get(policy, {}),
        facts=facts,
        plan=plan,
    )


def test_plain_choice_is_the_policys():
    found = chosen(min_gap_seconds=5)
    assert {20, 100, 180} <= set(found.indices)
    assert found.method == {"policy": "topk_gap", "policy_parameters": {"min_gap_seconds": 5.0}, "num_frames": 4}


def test_budgets_of_tokens_and_seconds():
    assert chosen(vlm="qwen2.5-vl", max_tokens=2400).method["num_frames"] == 10
    assert len(chosen(vlm="qwen2.5-vl", max_tokens=2400, vlm_pair="none").indices) == 20
    assert len(chosen(max_seconds=12.0).indices) == 12


def test_included_frames_are_in_clips_too():
    found = chosen(num_frames=4, clip_seconds=1.0, include=["first", 50.2])
    assert {0, 50} <= set(found.indices)
    assert found.method["included"] == [0.0, 50.0]
    with pytest.raises(InputError, match="2 frames must be included"):
        chosen(num_frames=1, clip_seconds=1.0, include=["first", 50.2])


def test_numbers_of_numpy_become_pythons_own():
    found = chosen(num_frames=np.int64(3), clip_seconds=np.float32(2))
    assert json.loads(json.dumps(found.method))["num_frames"] == 3
    options = IndexOptions(candidate_fps=np.float32(0.5), max_candidates=np.int64(9), window_candidates=np.int32(2))
    assert json.loads(json.dumps([options.candidate_fps, options.max_candidates, options.window_candidates])) == [
        0.5,
        9,
        2,
    ]


def test_fewer_frames_where_evidence_is_concentrated():
    found = chosen(num_frames="auto", max_frames=16)
    assert found.method["num_frames"] == len(found.indices) == 3
    assert {20, 100, 180} == set(found.indices)


@pytest.mark.parametrize(("include", "num_frames"), [((), 3), ((1.0, 2.0), 3), ((1.0, 2.0, 3.0, "first", "last"), 5)])
def test_fewer_frames_leave_room_for_those_included(include, num_frames):
    found = chosen(num_frames="auto", max_frames=6, include=include)
    assert found.method["num_frames"] == len(found.indices) == num_frames
    assert set(found.method.get("included", [])) <= set(TIMES[list(found.indices)])
    with pytest.raises(InputError, match="3 frames must be included and num_frames is 2"):
        chosen(num_frames="auto", max_frames=2, include=[1.0, 2.0, 3.0])


def test_included_frames_are_there_and_count():
    found = chosen(include=["first", "last", 50.2])
    assert found.indices == (0, 20, 50, 199)
    assert found.method["included"] == [0.0, 50.0, 199.0]


@pytest.mark.parametrize("policy", ["mmr", "qca", "aks"])
def test_included_frames_leave_the_others_to_any_policy(policy):
    found = chosen(policy=policy, num_frames=8, include=["first", 77.0])
    assert len(found.indices) == 8
    assert {0, 77} <= set(found.indices)


def test_clips_surround_the_hits():
    found = chosen(num_frames=9, clip_seconds=3.0)
    assert set(found.indices) == {19, 20, 21, 99, 100, 101, 179, 180, 181}


def test_more_smaller_frames_and_tiers():
    smaller = chosen(resolution="more_smaller")
    assert len(smaller.indices) == 8
    assert smaller.method["equal_frames"] == pytest.approx(4.0)
    tiers = chosen(resolution="tiers")
    assert len(tiers.indices) == 2 + 4 + 16
    assert tiers.method["equal_frames"] == pytest.approx(4.0)
    assert dict(zip(tiers.indices, tiers.method["side_shares"], strict=True))[20] == 1.0


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (640, 360), (320, 240), (90, 1600)])
@pytest.mark.parametrize("family", ["qwen2.5-vl", "qwen3-vl"])
@pytest.mark.parametrize("pair", ["repeat", "none"])
@pytest.mark.parametrize("resolution", ["full", "more_smaller", "tiers"])
def test_frames_of_every_size_fit_the_tokens(size, family, pair, resolution):
    facts = replace(FACTS, width=size[0], height=size[1])
    found = chosen(facts=facts, vlm=family, max_tokens=5760, vlm_pair=pair, resolution=resolution)
    sides = Counter(found.method.get("side_shares", [1.0] * len(found.indices)))
    shown = {side: scaled_size(*size, round(side * max(size))) for side in sides}
    costs = [
        tokens_of_frames(frames, family=family, width=shown[side][0], height=shown[side][1], pair=pair)
        for side, frames in sides.items()
    ]
    assert len(found.indices) == found.method["num_frames"]
    assert 0.6 * 5760 < sum(costs) <= 5760


def test_smaller_frames_save_nothing_where_all_cost_the_same():
    with pytest.raises(InputError, match=r"internvl3 spends as many tokens on a small frame .* take resolution='full'"):
        chosen(vlm="internvl3", max_tokens=5760, resolution="tiers")
    assert len(chosen(vlm="internvl3", max_tokens=5760).indices) == 22


def test_questions_about_the_whole_get_coverage():
    found = chosen(QuestionPlan("mainly about", "whole"), min_gap_seconds=5)
    assert found.method["policy"] == "uniform"
    assert found.indices == (24, 74, 124, 174)


def test_questions_about_the_end_look_there():
    found = chosen(QuestionPlan("who stands", place="end"))
    assert min(found.indices) >= 149
    assert 180 in found.indices
    assert max(chosen(QuestionPlan("who stands", place="start")).indices) <= 50


@pytest.mark.parametrize(
    ("given", "at_the_end"), [({}, 50), ({"include": ["first"]}, 50), ({"clip_seconds": 2.0}, 60 // 2)]
)
def test_an_end_with_fewer_candidates_than_frames_comes_first_and_it_is_said(given, at_the_end):
    found = chosen(QuestionPlan("who stands", place="end"), num_frames=60, **given)
    assert len(found.indices) == 60
    assert sum(index >= 150 for index in found.indices) >= at_the_end
    ((code, message),) = found.warnings
    assert code == "place_too_short"
    assert "has 50 candidates; 60 frames were asked for" in message


def test_events_in_order_shift_what_is_relevant():
    asked = as_asked("What does she say after he opens the door?", ChoiceOptions(question_rules="rules"))
    assert asked.texts == ("What does she say?", "he opens the door")
    said, opened = np.zeros(50), np.zeros(50)
    said[[5, 30]], opened[20] = 1.0, 1.0
    found = asked.relevance([said, opened], timestamps_seconds=np.arange(50.0))
    assert found[30] > 0.9
    assert found[30] > found[5]
    assert asked.method()["question_plan"] == {"scope": "moment", "place": None, "order": "after", "by": "rules"}


def test_one_frame_at_most_is_one_frame():
    assert len(chosen(num_frames="auto", max_frames=1).indices) == 1


def test_options_are_scored_only_where_asked_for():
    stem = as_asked("Which bird?", ChoiceOptions(options=("owl", "gull")))
    assert stem.texts == ("Which bird?",)
    assert stem.method() == {}
    both = as_asked("Which bird?", ChoiceOptions(options=("owl", "gull"), query="with_options"))
    assert both.texts == ("Which bird? A. owl B. gull",)
    assert both.method() == {"scored_texts": ["Which bird? A. owl B. gull"]}


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"policy": "best"}, UnknownNameError, "unknown policy 'best'"),
        ({"diversity": "pixels"}, UnknownNameError, "unknown diversity"),
        ({"resolution": "tiny"}, UnknownNameError, "unknown resolution"),
        ({"query": "title"}, UnknownNameError, "unknown query"),
        ({"question_rules": "on"}, InputError, "question_rules must be off, rules or a function"),
        ({"vlm": "qwen3-vl"}, InputError, "vlm and max_tokens go together"),
        ({"max_tokens": 5}, InputError, "vlm and max_tokens go together"),
        ({"vlm": "qwen3-vl", "max_tokens": 5, "max_seconds": 5}, InputError, "which of them is the budget"),
        ({"query": "with_options"}, InputError, "needs options"),
        ({"num_frames": "some"}, InputError, "num_frames must be a whole number"),
        ({"include": ["middle"]}, InputError, "include takes a list of 'first', 'last' and times"),
        ({"include": [900.0]}, InputError, "candidates are at"),
        ({"min_gap": 1}, InputError, "policy 'topk_gap' has no parameter 'min_gap'"),
        ({"num_frames": 1, "include": ["first", "last"]}, InputError, "2 frames must be included"),
        ({"vlm": "gpt", "max_tokens": 5}, UnknownNameError, "unknown VLM family"),
        ({"vlm_pair": "both"}, UnknownNameError, "unknown vlm_pair"),
        ({"vlm_pair": "none"}, InputError, "none is given"),
        ({"vlm": "qwen3-vl", "max_tokens": 0}, InputError, "max_tokens must be a whole number"),
        ({"max_seconds": -1}, InputError, "max_seconds must be a finite number"),
        ({"clip_seconds": "4"}, InputError, "clip_seconds must be a finite number"),
        ({"include": 5.0}, InputError, "include takes a list"),
        ({"include": "first"}, InputError, "include takes a list"),
        ({"include": None}, InputError, "include takes a list"),
        ({"include": [None]}, InputError, "include takes a list"),
        ({"include": [True]}, InputError, "include takes a list"),
        ({"include": [float("nan")]}, InputError, "include takes a list"),
        ({"options": None}, InputError, "options takes a list"),
        ({"options": "abc", "query": "with_options"}, InputError, "options takes a list"),
        ({"options": [5]}, InputError, "options takes a list"),
        ({"num_frames": None}, InputError, "num_frames must be a whole number"),
        ({"num_frames": "auto", "max_frames": None}, InputError, "max_frames must be a whole number"),
        ({"num_frames": "auto", "max_frames": "auto"}, InputError, "max_frames must be a whole number"),
        ({"vlm": "qwen3-vl", "max_tokens": "auto"}, InputError, "max_tokens must be a whole number"),
        ({"policy": ["topk"]}, UnknownNameError, "unknown policy"),
        ({"vlm": ["qwen3-vl"], "max_tokens": 5}, UnknownNameError, "unknown VLM family"),
    ],
)
def test_wrong_options_are_named(given, error, message):
    with pytest.raises(error, match=message):
        chosen(**given)
