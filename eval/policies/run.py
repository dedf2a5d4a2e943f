"""All policies at all budgets, with paired intervals, as one report."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.policies.measure import METRICS, PolicyChoice, measured
from clamr_select.eval.policies.records import ScoreRecord
from clamr_select.metrics import ClusterBootstrap

logger = logging.getLogger(__name__)

COMPARED = ("hit", "evidence_recall")
BASELINES = ("topk", "uniform")
SEVERAL = "several intervals"


@dataclass(frozen=True)
class Settings:
    """What is measured.

    Raises:
        InputError: no budget, one below 1, or a seed below 0.
    """

    policies: tuple[PolicyChoice, ...]
    budgets: tuple[int, ...] = (4, 8, 16, 32)
    variant: str | None = None
    """Score of the question asked otherwise, see ``ScoreRecord.variants``; None is as it was asked."""
    seed: int = 1
    num_resamples: int = 2000

    def __post_init__(self) -> None:
        if not self.budgets or min(self.budgets) < 1:
            raise InputError(f"budgets must be whole numbers >= 1, got {self.budgets}")
        if self.seed < 0:
            raise InputError(f"seed must be at least 0, got {self.seed}")


def run_policies(
    records: Sequence[ScoreRecord],
    settings: Settings,
    *,
    selections: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> dict[str, Any]:
    """The report, ready for JSON.

    Args:
        selections: by name, seconds of the frames that others selected, by question id. Each is a row of its own, at
            the budget ``own``, over the questions it has.
    """
    groups = question_groups(records)
    draws = ClusterBootstrap([r.cluster for r in records], num_resamples=settings.num_resamples, seed=settings.seed)
    left_out: dict[str, str] = {}
    values: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for policy in settings.policies:
        lacking = next((what for record in records if (what := policy.missing(record))), None)
        if lacking is not None:
            left_out[str(policy)] = f"not every question has {lacking}"
            continue
        logger.info("%s", policy)
        values[str(policy)] = {str(k): _measure(records, policy, k, settings.variant) for k in settings.budgets}
    report: dict[str, Any] = {
        "num_questions": {name: int(mask.sum()) for name, mask in groups.items()},
        "num_videos": len({record.cluster for record in records}),
        "budgets": list(settings.budgets),
        "variant": settings.variant,
        "seed": settings.seed,
        "policies": {
            name: {budget: _summary(found, groups, draws) for budget, found in by_budget.items()}
            for name, by_budget in values.items()
        },
        "against": {
            baseline: {
                name: {
                    budget: _margins(found, values[baseline][budget], groups, draws) for budget, found in own.items()
                }
                for name, own in values.items()
                if name != baseline
            }
            for baseline in BASELINES
            if baseline in values
        },
        "left_out": left_out,
    }
    if selections:
        report["selections"] = {
            name: _selection_report(records, chosen, settings) for name, chosen in selections.items()
        }
    return report


def question_groups(records: Sequence[ScoreRecord]) -> dict[str, np.ndarray]:
    """(num_questions,) bool by column: all, by number of evidence intervals, by type of question."""
    several = np.array([len(record.gold_intervals) > 1 for record in records])
    types = np.array([record.group for record in records])
    groups = {"all": np.ones(len(records), dtype=bool), "one interval": ~several, SEVERAL: several}
    groups |= {name: types == name for name in dict.fromkeys(types.tolist()) if name}
    return {name: mask for name, mask in groups.items() if mask.any()}


def _measure(
    records: Sequence[ScoreRecord], policy: PolicyChoice, num_frames: int, variant: str | None
) -> dict[str, np.ndarray]:
    def select(record: ScoreRecord) -> Sequence[float]:
        if variant is not None and variant not in record.variants:
            raise InputError(f"question {record.id!r} has no variant {variant!r}; it has {', '.join(record.variants)}")
        scores = record.scores if variant is None else record.variants[variant]
        return record.timestamps_seconds[list(policy.select(record, num_frames=num_frames, scores=scores))].tolist()

    return measured(records, select)


def _summary(
    found: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray], draws: ClusterBootstrap
) -> dict[str, Any]:
    """Means by metric and group, with intervals for those that are compared."""
    summary: dict[str, Any] = {}
    for metric in METRICS:
        values = found[metric]
        if metric in COMPARED:
            summary[metric] = {name: draws.interval(values, mask=mask).as_dict() for name, mask in groups.items()}
        elif np.isfinite(values).all():
            summary[metric] = {name: {"mean": float(values[mask].mean())} for name, mask in groups.items()}
    return summary


def _margins(
    found: Mapping[str, np.ndarray],
    baseline: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    draws: ClusterBootstrap,
) -> dict[str, Any]:
    """Mean differences on the same questions, with their paired intervals."""
    return {
        metric: {
            name: draws.interval(found[metric] - baseline[metric], mask=mask).as_dict() for name, mask in groups.items()
        }
        for metric in COMPARED
    }


def _selection_report(
    records: Sequence[ScoreRecord], chosen: Mapping[str, Sequence[float]], settings: Settings
) -> dict[str, Any]:
    known = [record for record in records if record.id in chosen]
    if not known:
        raise InputError("a file of selections has none of the questions; ids must be those of the evidence")
    draws = ClusterBootstrap([r.cluster for r in known], num_resamples=settings.num_resamples, seed=settings.seed)
    found = measured(known, lambda record: chosen[record.id])
    return {
        "num_questions": len(known),
        "num_without_evidence": len(set(chosen) - {record.id for record in known}),
        **_summary(found, question_groups(known), draws),
    }
