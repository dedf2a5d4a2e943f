"""From scores to frames: how many, which must be there, what the question asks of time, and the policy for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.policies import DEFAULT_POLICY, check_parameters, policy_names, select_indices
from clamr_select.policies.budgets import (
    VLM_FAMILIES,
    Fused,
    adaptive_num_frames,
    frames_for_seconds,
    frames_for_tokens,
    tokens_of_frames,
)
from clamr_select.policies.include import clip_positions, forced_positions, with_forced
from clamr_select.policies.parameters import number, whole_number
from clamr_select.policies.peaks import median_step_seconds
from clamr_select.policies.plans import FramePlan, Tiers, more_smaller_frames, tier_plan, tiers_for_tokens, tiers_of
from clamr_select.policies.questions import QuestionPlan
from clamr_select.policies.similarity import some_inputs
from clamr_select.selection import VideoFacts
from clamr_select.video.scaling import scaled_size

Diversity = Literal["pooled", "late_interaction"]
Resolution = Literal["full", "more_smaller", "tiers"]
PLACE_SHARE = 0.25
"""Of the video's time that counts as its start or its end."""


@dataclass(frozen=True)
class ChoiceOptions:
    """How frames are chosen once they are scored. Checked on construction.

    Raises:
        UnknownNameError: a name outside its list.
        InputError: options that go only together, a number out of range, or a value of another kind.
    """

    num_frames: int | Literal["auto"] = 8
    """``auto``: fewer where the evidence is concentrated, ``max_frames`` at most, those to be included at least."""
    policy: str = DEFAULT_POLICY
    diversity: Diversity = "pooled"
    """What policies that compare frames compare: the mean of a frame's tokens, or their token sets by MaxSim."""
    max_frames: int = 32
    """Of ``num_frames="auto"``."""
    vlm: str | None = None
    """Family whose tokens ``max_tokens`` counts: a name in ``clamr_select.policies.budgets.VLM_FAMILIES``."""
    max_tokens: int | None = None
    """As many frames as fit, in place of ``num_frames``."""
    vlm_pair: Fused = "repeat"
    """How the frames will be handed over to a VLM that fuses two; ``none`` makes each cost half."""
    max_seconds: float | None = None
    """As many frames as stand for so much of the video's time, each for the step between candidates."""
    clip_seconds: float | None = None
    """Frames come as clips of this length around the policy's choices."""
    include: tuple[float | str, ...] = ()
    """``first``, ``last``, or times in seconds: the nearest candidates are among the frames."""
    resolution: Resolution = "full"
    """``more_smaller``: twice the frames at half of the area; ``tiers``: the best large, the others small. The sides
    are in ``Selection.method["side_shares"]``. Of ``max_tokens``, as many frames of these sizes as fit."""
    question_rules: Literal["off", "rules"] | Callable[[str], str] = "off"
    """``rules`` reads words of time and count in the question; a function from prompt to reply is a language model."""
    options: tuple[str, ...] = ()
    """Of a multiple-choice question."""
    query: Literal["stem", "with_options"] = "stem"
    """Whether the options are scored with the question."""
    policy_parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, value, allowed in (
            ("policy", self.policy, policy_names()),
            ("diversity", self.diversity, get_args(Diversity)),
            ("resolution", self.resolution, get_args(Resolution)),
            ("vlm_pair", self.vlm_pair, get_args(Fused)),
            ("query", self.query, ("stem", "with_options")),
        ):
            if value not in allowed:
                raise unknown_name(kind, value, allowed)
        check_parameters(self.policy, self.policy_parameters)
        self._take_lists()
        if not callable(self.question_rules) and self.question_rules not in ("off", "rules"):
            raise InputError(f"question_rules must be off, rules or a function, got {self.question_rules!r}")
        if (self.vlm is None) != (self.max_tokens is None):
            raise InputError(f"vlm and max_tokens go together, got vlm={self.vlm!r} and max_tokens={self.max_tokens!r}")
        if self.vlm_pair != "repeat" and self.vlm is None:
            raise InputError(f"vlm_pair={self.vlm_pair!r} says how the frames of a vlm share tokens, and none is given")
        if self.vlm is not None and self.vlm not in tuple(VLM_FAMILIES):  # a tuple, since a list has no hash
            raise unknown_name("VLM family", self.vlm, VLM_FAMILIES)
        if self.vlm is not None and self.resolution != "full" and not VLM_FAMILIES[self.vlm].cell_pixels:
            raise InputError(
                f"{self.vlm} spends as many tokens on a small frame as on a large one, so that "
                f"resolution={self.resolution!r} saves none of max_tokens; take resolution='full'"
            )
        if self.max_tokens is not None and self.max_seconds is not None:
            raise InputError("max_tokens and max_seconds are both given; which of them is the budget?")
        if self.query == "with_options" and not self.options:
            raise InputError("query='with_options' needs options, the answers to choose from")
        # plain numbers of Python, which go into Selection.method and JSON
        whole = ["max_frames"]
        whole += [] if self.num_frames == "auto" else ["num_frames"]
        whole += [] if self.max_tokens is None else ["max_tokens"]
        for name in whole:
            object.__setattr__(self, name, whole_number(name, getattr(self, name), low=1))
        for name in ("max_seconds", "clip_seconds"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, number(name, getattr(self, name), low=0))

    def _take_lists(self) -> None:
        """``include`` and ``options`` as tuples; they may come as any iterable but text."""
        for name, told, is_one in (
            ("include", "'first', 'last' and times in seconds", _can_be_included),
            ("options", "the answers to choose from, each a text", lambda entry: isinstance(entry, str)),
        ):
            entries = as_tuple(getattr(self, name))
            if not isinstance(entries, tuple) or not all(map(is_one, entries)):
                raise InputError(f"{name} takes a list of {told}, got {entries!r}")
            object.__setattr__(self, name, entries)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ChoiceOptions:
        """From keyword arguments; those that are no option here are the policy's own parameters."""
        own = {option.name for option in fields(cls)} - {"policy_parameters"}
        known = {name: value for name, value in given.items() if name in own}
        return cls(**known, policy_parameters={name: value for name, value in given.items() if name not in own})


def as_tuple(value: Any) -> Any:
    """An iterable as a tuple; text, and what is no iterable, as it is."""
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else value


def _can_be_included(entry: object) -> bool:
    if isinstance(entry, str):
        return entry in ("first", "last")
    return isinstance(entry, Real) and not isinstance(entry, bool) and math.isfinite(entry)


@dataclass(frozen=True)
class Chosen:
    """Positions of candidates, and what was done."""

    indices: tuple[int, ...]
    warnings: tuple[tuple[str, str], ...]
    method: dict[str, Any]


def choose_frames(
    scores: np.ndarray,
    *,
    timestamps_seconds: np.ndarray,
    options: ChoiceOptions,
    inputs: Callable[[str], Mapping[str, Any]],
    facts: VideoFacts,
    plan: QuestionPlan | None = None,
) -> Chosen:
    """
    Args:
        scores: (num_candidates,) what the policy chooses by.
        inputs: a policy's name to what it looks at beside scores and times.
        plan: what the question asks of time; None is nothing.

    Raises:
        InputError: as ``select_indices``, or a budget that not one frame fits.
    """
    times = timestamps_seconds
    policy = "uniform" if plan is not None and plan.scope == "whole" else options.policy
    parameters = options.policy_parameters if policy == options.policy else {}
    forced = forced_candidates(times, options)
    tiers = _tiers(scores, times, options, facts, num_forced=len(forced))
    num_frames = sum(frames for frames, _ in tiers)
    open_to = _open_to(times, plan)
    given = inputs(policy)
    noticed: dict[str, str] = {}
    used: dict[str, Any] = {}

    def choose(positions: np.ndarray, wanted: int) -> Sequence[int]:
        result = select_indices(
            scores[positions],
            timestamps_seconds=times[positions],
            num_frames=wanted,
            policy=policy,
            **(given if len(positions) == len(scores) else some_inputs(given, positions)),
            **parameters,
        )
        noticed.update(result.warnings)
        used.update(result.parameters)
        return result.indices

    if num_frames > len(scores):
        noticed["fewer_candidates"] = f"{num_frames} frames were asked for and there are {len(scores)} candidates"
    wanted = min(num_frames, len(scores))
    if len(open_to) < wanted:
        noticed["place_too_short"] = (
            f"the part of the video that the question names has {len(open_to)} candidates; "
            f"{wanted} frames were asked for, and the others are from elsewhere"
        )
    if options.clip_seconds is not None:
        per_clip = max(1, round(options.clip_seconds / median_step_seconds(times)))
        hits = open_to[list(choose(open_to, max(1, min(wanted // per_clip, len(open_to)))))].tolist()
        indices = clip_positions(
            hits,
            forced=forced,
            scores=scores,
            timestamps_seconds=times,
            clip_seconds=options.clip_seconds,
            num_frames=wanted,
        )
    else:
        allowed = np.union1d(open_to, np.array(forced, dtype=np.int64))
        must_be_there: Sequence[int] = forced
        if len(allowed) < wanted:
            must_be_there, allowed = allowed.tolist(), np.arange(len(scores))
        places = with_forced(
            np.searchsorted(allowed, must_be_there).tolist(),
            lambda others, count: choose(allowed[others], count),
            num_candidates=len(allowed),
            num_frames=wanted,
        )
        indices = tuple(int(i) for i in allowed[list(places)])
    shown = None if options.resolution == "full" else tier_plan(scores[list(indices)].tolist(), tiers=tiers)
    return Chosen(
        indices,
        tuple(noticed.items()),
        {
            "policy": policy,
            "policy_parameters": used,
            "num_frames": num_frames,
            **({"diversity": options.diversity} if "similarity" in given else {}),
            **({"side_shares": list(shown.side_shares), "equal_frames": shown.equal_frames} if shown else {}),
            **({"included": [float(times[at]) for at in forced]} if forced else {}),
            **({"clip_seconds": options.clip_seconds} if options.clip_seconds is not None else {}),
        },
    )


def _tiers(
    scores: np.ndarray, times: np.ndarray, options: ChoiceOptions, facts: VideoFacts, *, num_forced: int
) -> Tiers:
    """How many frames of which side, one tier where all are alike; ``auto`` leaves room for what must be there."""
    if options.max_tokens is not None and options.vlm is not None:
        return _tiers_for_tokens(options.max_tokens, options.vlm, options, facts)
    if options.max_seconds is not None:
        count = frames_for_seconds(options.max_seconds, seconds_per_frame=median_step_seconds(times))
    elif options.num_frames == "auto":
        most = options.max_frames
        telling = adaptive_num_frames(scores, timestamps_seconds=times, max_frames=most, min_frames=min(2, most))
        count = min(most, max(telling, num_forced))
    else:
        count = options.num_frames
    if options.resolution == "tiers":
        return tiers_of(count)
    return (more_smaller_frames(count) if options.resolution == "more_smaller" else (count, 1.0),)


def _tiers_for_tokens(max_tokens: int, vlm: str, options: ChoiceOptions, facts: VideoFacts) -> Tiers:
    """As many frames as fit, each priced at the size it is shown in: within the limits that a family scales to, a
    smaller frame may cost as much as a large one."""

    def shown(side: float) -> dict[str, Any]:
        (longer,) = FramePlan((side,)).max_sides(width=facts.width, height=facts.height)
        width, height = scaled_size(facts.width, facts.height, longer)
        return {"family": vlm, "width": width, "height": height, "pair": options.vlm_pair}

    if options.resolution == "tiers":
        return tiers_for_tokens(max_tokens, cost=lambda frames, side: tokens_of_frames(frames, **shown(side)))
    _, side = more_smaller_frames(1) if options.resolution == "more_smaller" else (1, 1.0)
    return ((frames_for_tokens(max_tokens, **shown(side)), side),)


def _open_to(times: np.ndarray, plan: QuestionPlan | None) -> np.ndarray:
    """Positions the policy may choose from: the end or the start of the video, where the question names one."""
    everywhere = np.arange(len(times))
    if plan is None or plan.place is None:
        return everywhere
    span = float(times[-1] - times[0]) * PLACE_SHARE
    return everywhere[times >= times[-1] - span] if plan.place == "end" else everywhere[times <= times[0] + span]


def forced_candidates(times: np.ndarray, options: ChoiceOptions) -> tuple[int, ...]:
    """Positions of the candidates that ``include`` names, in time order.

    Raises:
        InputError: a time outside theirs.
    """
    at_seconds = [float(entry) for entry in options.include if not isinstance(entry, str)]
    return forced_positions(
        times, first="first" in options.include, last="last" in options.include, at_seconds=at_seconds
    )
