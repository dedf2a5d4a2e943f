"""Long video: do the selected frames show the evidence?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clamr_select.eval.needle.benchmark.groups import best_baseline, draws_of, mean_by_group, question_groups
from clamr_select.eval.needle.benchmark.scored import Material, Scored
from clamr_select.eval.needle.long_video import LongQuestion, LongVideo
from clamr_select.indexing.options import DEFAULT_WINDOW_CANDIDATES
from clamr_select.metrics import ClusterBootstrap, evidence_recall, hit_at_k
from clamr_select.policies import select_indices

BUDGETS = (1, 4, 8, 16, 32)


def long_material(video: LongVideo, *, window: int = DEFAULT_WINDOW_CANDIDATES) -> Material:
    """The video in documents of ``window`` candidates."""
    return Material(
        questions=tuple(question.text for question in video.questions),
        documents=lambda: video.documents(window=window),
        rows="frames",
        oracle=video.oracle_scores(),
    )


def question_metrics(table: np.ndarray, questions: Sequence[LongQuestion], *, policy: str) -> dict[str, np.ndarray]:
    """(num_questions,) ``hit@k`` and ``evidence_recall@k`` for every budget.

    Candidates that may answer as well are taken out before the policy chooses. Constant scores are uniform sampling.
    """
    values: dict[str, list[float]] = {f"{name}@{k}": [] for k in BUDGETS for name in ("hit", "evidence_recall")}
    for scores, question in zip(table, questions, strict=True):
        kept = np.array([i for i in range(len(scores)) if i not in question.ignored])
        finite = np.where(np.isfinite(scores), scores, scores[np.isfinite(scores)].min(initial=0.0) - 1)[kept]
        for k in BUDGETS:
            chosen = select_indices(finite, timestamps_seconds=kept.astype(float), num_frames=k, policy=policy)
            times = [float(kept[i]) for i in chosen.indices]
            values[f"hit@{k}"].append(float(hit_at_k(times, evidence_seconds=question.gold_intervals)))
            values[f"evidence_recall@{k}"].append(evidence_recall(times, evidence_seconds=question.gold_intervals))
    return {name: np.array(numbers) for name, numbers in values.items()}


def long_report(scored: Sequence[Scored], videos: Sequence[LongVideo], *, policy: str, seed: int) -> dict[str, Any]:
    """All numbers of the task for videos of one duration, ready for JSON."""
    questions = [question for video in videos for question in video.questions]
    groups = question_groups(
        [question.target for question in questions],
        paraphrased=[question.paraphrased for question in questions],
        held_out=[question.held_out for question in questions],
    )
    draws, drawn = draws_of([str(number) for number, video in enumerate(videos) for _ in video.questions], seed=seed)
    metrics: dict[str, dict[str, np.ndarray]] = {}
    for name in scored[0].tables:
        parts = [
            question_metrics(one.tables[name], video.questions, policy=policy)
            for one, video in zip(scored, videos, strict=True)
        ]
        metrics[name] = {metric: np.concatenate([part[metric] for part in parts]) for metric in parts[0]}
    baseline = best_baseline({name: float(values["hit@8"][groups["all"]].mean()) for name, values in metrics.items()})
    systems: dict[str, Any] = {}
    for name, values in metrics.items():
        entry: dict[str, Any] = {metric: mean_by_group(numbers, groups) for metric, numbers in values.items()}
        for metric in ("hit@1", "hit@8"):
            entry[f"interval {metric}"] = _intervals(values[metric], groups, draws)
            if baseline is not None and name != baseline:
                entry[f"margin {metric}"] = _intervals(values[metric] - metrics[baseline][metric], groups, draws)
        systems[name] = entry
    return {
        "num_videos": len(videos),
        "num_questions": {group: int(mask.sum()) for group, mask in groups.items()},
        "policy": policy,
        "intervals_draw": drawn,
        "best_baseline": baseline,
        "systems": systems,
        "left_out": scored[0].left_out,
        "num_tokens_cut": {view: sum(one.num_tokens_cut[view] for one in scored) for view in scored[0].num_tokens_cut},
    }


def _intervals(
    values: np.ndarray, groups: Mapping[str, np.ndarray], draws: ClusterBootstrap
) -> dict[str, dict[str, float]]:
    return {group: draws.interval(values, mask=mask).as_dict() for group, mask in groups.items()}
