"""Every system on every question: the paper's Table 1 (ranking), Table 3 (modality accuracy) and Table 6 (by type)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from clamr_select.eval.retrieval.blocks import ScoreBlocks
from clamr_select.eval.retrieval.corpus import CorpusQuestion
from clamr_select.eval.retrieval.systems import System
from clamr_select.metrics import (
    ClusterBootstrap,
    expected_ndcg_at_k,
    expected_recall_at_k,
    expected_reciprocal_rank,
    modality_report,
)

METRICS = ("recall@1", "recall@5", "recall@10", "ndcg@10", "mrr")
COMPARED = ("recall@10", "ndcg@10")
MODALITIES = ("video", "ocr", "asr", "description")
DEPTH = 10
UNSAID = "unsaid"


@dataclass(frozen=True)
class Measured:
    """Of one system."""

    values: Mapping[str, np.ndarray]
    """(num_questions,) by metric."""
    winners: Sequence[list[str]] | None
    """The modalities that each question chose; None for a system that does not choose."""


def measure(
    questions: Sequence[CorpusQuestion],
    systems: Mapping[str, System],
    *,
    blocks: ScoreBlocks,
    relevance: Sequence[Mapping[int, float]],
    num_videos: int,
) -> dict[str, Measured]:
    """Metrics of every question; equal scores count at their expected value.

    Args:
        relevance: of each question, place among the ranked videos to grade; empty for one that is left out, whose
            values are NaN.
        num_videos: that are ranked.
    """
    values = {name: {metric: np.full(len(questions), np.nan) for metric in METRICS} for name in systems}
    winners: dict[str, list[list[str]]] = {name: [[] for _ in questions] for name in systems}
    silent: set[str] = set()
    for start, stop in blocks.ranges():
        known: dict[System, np.ndarray] = {}
        for name, system in systems.items():
            table = blocks.table(system, start, stop, known=known)
            for question in range(start, stop):
                answers = relevance[question]
                if not answers:
                    continue
                grades = np.zeros(num_videos)
                grades[list(answers)] = list(answers.values())
                scores = table[question - start]
                for metric, value in _metrics(scores, grades).items():
                    values[name][metric][question] = value
                best = max(answers, key=lambda place: scores[place])
                chosen = blocks.winners(system, question, best, start=start, known=known)
                winners[name][question] = chosen or []
                silent |= {name} if chosen is None else set()
    return {name: Measured(found, None if name in silent else winners[name]) for name, found in values.items()}


def _metrics(scores: np.ndarray, grades: np.ndarray) -> dict[str, float]:
    recalls = {f"recall@{k}": expected_recall_at_k(scores, relevant=grades, k=k) for k in (1, 5, 10)}
    ndcg = expected_ndcg_at_k(scores, relevant=grades, k=DEPTH)
    return {**recalls, "ndcg@10": ndcg, "mrr": expected_reciprocal_rank(scores, relevant=grades)}


def question_groups(questions: Sequence[CorpusQuestion], *, asked: np.ndarray) -> dict[str, np.ndarray]:
    """(num_questions,) bool by column: all that were asked, and each type of question there is."""
    targets = np.array([question.target or UNSAID for question in questions])
    groups = {name: asked & (targets == name) for name in (*MODALITIES, UNSAID)}
    return {"all": asked} | {name: mask for name, mask in groups.items() if mask.any()}


def report_systems(
    questions: Sequence[CorpusQuestion],
    found: Mapping[str, Measured],
    *,
    groups: Mapping[str, np.ndarray],
    ours: str,
    seed: int,
    num_resamples: int,
) -> dict[str, Any]:
    """Means with 95 % intervals, by group of questions, and what ``ours`` is ahead of every other, for JSON.

    Intervals draw clusters: questions that one video answers best stay together.
    """
    draws = ClusterBootstrap([question.cluster for question in questions], num_resamples=num_resamples, seed=seed)
    report: dict[str, Any] = {}
    for name, one in found.items():
        entry: dict[str, Any] = {
            metric: {group: draws.interval(one.values[metric], mask=mask).as_dict() for group, mask in groups.items()}
            for metric in METRICS
        }
        if ours in found and name != ours:
            entry["ours_less_this"] = {
                metric: {
                    group: draws.interval(found[ours].values[metric] - one.values[metric], mask=mask).as_dict()
                    for group, mask in groups.items()
                }
                for metric in COMPARED
            }
        if one.winners is not None:
            entry["modality"] = modality_accuracy(one.winners, questions=questions, asked=groups["all"])
        report[name] = entry
    return report


def modality_accuracy(
    winners: Sequence[list[str]], *, questions: Sequence[CorpusQuestion], asked: np.ndarray
) -> dict[str, Any]:
    """Over questions that say what they are about, in the best of the videos that answer; those of a video with nothing
    to choose from are counted."""
    said = [n for n, question in enumerate(questions) if question.target and asked[n]]
    rows = [n for n in said if winners[n]]
    if not rows:
        return {"num_questions": 0, "without_choice": len(said)}
    names = dict.fromkeys([*MODALITIES, *(name for n in rows for name in winners[n])])
    gold = [questions[n].target for n in rows]
    found = modality_report([winners[n] for n in rows], gold=gold, modalities=tuple(names))
    by_modality = list(found.accuracy_by_modality.values())
    return {**asdict(found), "mean_accuracy": float(np.mean(by_modality)), "without_choice": len(said) - len(rows)}
