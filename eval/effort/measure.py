"""Evidence recall of each effort on the same questions, and its share of the encoding."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.effort.video import Cost, DrawnWindows, EncodedVideo, EncodedWindows, encode_video
from clamr_select.eval.needle.benchmark.groups import draws_of
from clamr_select.eval.needle.long_video import LongQuestion, LongVideo, long_video
from clamr_select.eval.needle.noise import Noise
from clamr_select.eval.needle.vocabulary import Split
from clamr_select.indexing.coarse_to_fine.effort import EFFORT_PLANS, Effort, EffortPlan
from clamr_select.indexing.coarse_to_fine.parts import DenseWindow
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.metrics import evidence_recall
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.policies import DEFAULT_POLICY, select_indices

logger = logging.getLogger(__name__)

BUDGETS = (8, 32)
NUM_RESAMPLES = 5000
Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class EffortSettings:
    """Which videos.

    Raises:
        InputError: a number out of range.
    """

    split: Split = "test"
    noise: Noise = "realistic"
    duration_seconds: int = 10_800
    num_videos: int = 3
    questions_per_video: int = 180
    num_timed: int = 2
    """Questions of a video whose windows are encoded anew: for the CPU time, and to compare with the windows encoded
    beforehand."""
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.num_videos, self.questions_per_video, self.num_timed, self.duration_seconds) < 1:
            raise InputError(f"numbers must be at least 1, got {self}")
        if self.seed < 0:
            raise InputError(f"seed must be at least 0, got {self.seed}")


def measure(
    settings: EffortSettings, *, encoder: ClamrEncoder, plans: Mapping[Effort, EffortPlan] = EFFORT_PLANS
) -> dict[str, Any]:
    """All tables as a dictionary for JSON."""
    columns: Columns = {}
    costs: dict[str, Any] = {effort: [] for effort in plans}
    largest = 0.0
    for number in range(settings.num_videos):
        video = long_video(
            seed=settings.seed + number,
            split=settings.split,
            noise=settings.noise,
            duration_seconds=settings.duration_seconds,
            num_questions=settings.questions_per_video,
        )
        encoded = encode_video(video, encoder=encoder, plans=plans)
        logger.info("video %d: %d windows, %.0f CPU seconds", number, len(encoded.windows), encoded.full.cpu_seconds)
        for effort, plan in plans.items():
            skimmed = SkimmedVideo(
                video=str(number),
                effort=effort,
                plan=plan,
                skim=encoded.skims[effort],
                source=EncodedWindows(encoded.windows),
                encoder=encoder,
            )
            cost, difference = dense_cost(skimmed, video, encoded, settings=settings)
            largest = max(largest, difference)
            costs[effort].append(shares(encoded.full, encoded.skim_costs[effort], cost))
            ask(columns, skimmed, video, name=effort)
        ask(columns, skimmed, video, name="full", windows=encoded.windows)
    return {
        "settings": vars(settings),
        "plans": {effort: vars(plan) for effort, plan in plans.items()},
        "num_questions": len(columns["target"]),
        "largest_difference": largest,
        "shares": {effort: mean_of(found) for effort, found in costs.items()},
        **recalls(columns, plans, seed=settings.seed),
    }


def dense_cost(
    skimmed: SkimmedVideo, video: LongVideo, encoded: EncodedVideo, *, settings: EffortSettings
) -> tuple[Cost, float]:
    """The mean of some questions' windows, encoded when they are asked; and how far any number is from the windows
    that were encoded beforehand."""
    drawn = DrawnWindows(video, skimmed.encoder)
    largest = 0.0
    asked = spread(video.questions, settings.num_timed)
    for question in asked:
        for window in drawn.windows(skimmed.propose(question.text)):
            before = encoded.windows[window.number].tokens
            if window.tokens is None or before is None or len(window.tokens) != len(before):
                raise InputError(f"window {window.number} is not what it was")
            largest = max(largest, float((window.tokens.vectors - before.vectors).abs().max()))
    total, count = drawn.cost, len(asked)
    mean = Cost(total.documents // count, total.frames // count, total.tokens // count, total.cpu_seconds / count)
    return mean, largest


def spread(questions: Sequence[LongQuestion], count: int) -> list[LongQuestion]:
    """So many, evenly over all of them."""
    return [questions[int(at)] for at in np.linspace(0, len(questions) - 1, min(count, len(questions))).round()]


def shares(full: Cost, skim: Cost, dense: Cost) -> dict[str, float]:
    """Of the encoding of ``full``, for the first question, and for one more."""
    first = {name: (getattr(skim, name) + getattr(dense, name)) / getattr(full, name) for name in vars(full)}
    return {**first, "one more question, cpu_seconds": dense.cpu_seconds / full.cpu_seconds}


def mean_of(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def ask(
    columns: Columns,
    skimmed: SkimmedVideo,
    video: LongVideo,
    *,
    name: str,
    windows: Sequence[DenseWindow] | None = None,
) -> None:
    """Add a column of evidence recall for each budget.

    Args:
        windows: all that there are; None for those that the video proposes.
    """
    whole = None if windows is None else skimmed.indexed(windows)
    queries, _ = skimmed.encoder.encode_query([question.text for question in video.questions])
    for question, query in zip(video.questions, queries, strict=True):
        indexed = whole or skimmed.indexed(skimmed.source.windows(skimmed.propose(question.text)))
        scores = indexed.score(query).competing
        for budget in BUDGETS:
            columns.setdefault(f"{name}@{budget}", []).append(recall(indexed, scores, question, budget))
        if whole is not None:
            columns.setdefault("video", []).append(skimmed.video)
            columns.setdefault("target", []).append(question.target)
            columns.setdefault("paraphrased", []).append(question.paraphrased)


def recall(indexed: IndexedVideo, scores: np.ndarray, question: LongQuestion, budget: int) -> float:
    """Of the evidence; candidates that may answer as well are taken out before the policy chooses."""
    kept = ~np.isin(indexed.frame_indices, sorted(question.ignored))
    times = indexed.timestamps_seconds[kept]
    chosen = select_indices(scores[kept], timestamps_seconds=times, num_frames=budget, policy=DEFAULT_POLICY)
    return evidence_recall([float(times[at]) for at in chosen.indices], evidence_seconds=question.gold_intervals)


def recalls(columns: Columns, plans: Mapping[Effort, EffortPlan], *, seed: int) -> dict[str, Any]:
    """``recall``, a row for each kind of question and budget, and what its intervals draw.

    Ratios are of the means on the same questions.
    """
    targets = np.array(columns["target"])
    groups = {
        "all": np.ones(len(targets), dtype=bool),
        **{name: targets == name for name in dict.fromkeys(columns["target"])},
        "paraphrased": np.array(columns["paraphrased"], dtype=bool),
    }
    draws, drawn = draws_of(columns["video"], num_resamples=NUM_RESAMPLES, seed=seed)
    rows = []
    for budget in BUDGETS:
        full = np.array(columns[f"full@{budget}"])
        for group, mask in groups.items():
            if not mask.any():
                continue
            row: dict[str, Any] = {"questions": group, "number": int(mask.sum()), "frames": budget}
            row["full"] = float(full[mask].mean())
            for effort in plans:
                part = np.array(columns[f"{effort}@{budget}"])
                row[effort] = float(part[mask].mean())
                row[f"{effort} of full"] = draws.ratio(part, to=full, mask=mask)
            rows.append(row)
    return {"recall": rows, "intervals_draw": drawn}
