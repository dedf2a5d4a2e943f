"""What a selection of frames is worth for one question, and what policies select."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.policies.records import ScoreRecord
from clamr_select.indexing.choice import Diversity
from clamr_select.metrics import evidence_precision, evidence_recall, hit_at_k, time_coverage
from clamr_select.policies import MatrixSimilarity, find_policy, policy_inputs, policy_names, select_indices
from clamr_select.policies.spread import TIME_TOLERANCE_SECONDS

METRICS = ("hit", "evidence_recall", "precision", "coverage", "diversity", "frames", "milliseconds")


@dataclass(frozen=True)
class PolicyChoice:
    """A policy with its parameters, written ``mmr``, ``mmr:relevance_weight=0.7`` or ``mmr@late_interaction``.

    Raises:
        UnknownNameError, InputError: see :meth:`parse`.
    """

    policy: str
    diversity: Diversity = "pooled"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> PolicyChoice:
        """From the command line.

        Raises:
            UnknownNameError: no such policy or diversity.
            InputError: parameters that are not ``name=value``, divided by commas.
        """
        head, _, tail = text.partition(":")
        name, _, diversity = head.partition("@")
        find_policy(name)
        if diversity and diversity not in get_args(Diversity):
            raise unknown_name("diversity", diversity, get_args(Diversity))
        parameters: dict[str, Any] = {}
        for entry in filter(None, tail.split(",")):
            key, equals, value = entry.partition("=")
            if not equals:
                raise InputError(f"parameters are written name=value, divided by commas; got {entry!r} in {text!r}")
            parameters[key.strip()] = _value(value.strip())
        return cls(name, "late_interaction" if diversity == "late_interaction" else "pooled", parameters)

    def __str__(self) -> str:
        diversity = "" if self.diversity == "pooled" else f"@{self.diversity}"
        given = ",".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.policy}{diversity}" + (f":{given}" if given else "")

    def missing(self, record: ScoreRecord) -> str | None:
        """What the record lacks for this policy, None where nothing."""
        if not len(record.scores):
            return "scores"
        takes = policy_inputs(self.policy)
        if any(takes.values()) and record.frames is None:
            return "embeddings"
        late = record.frames is not None and record.frames.late_interaction is not None
        return "late_interaction" if takes and self.diversity == "late_interaction" and not late else None

    def select(self, record: ScoreRecord, *, num_frames: int, scores: np.ndarray) -> tuple[int, ...]:
        """Positions among the record's candidates."""
        inputs: dict[str, Any] = {}
        if record.frames is not None and policy_inputs(self.policy):
            inputs["embeddings"] = record.frames.embeddings
            if self.diversity == "late_interaction" and record.frames.late_interaction is not None:
                inputs["similarity"] = MatrixSimilarity(record.frames.late_interaction)
        found = select_indices(
            scores,
            timestamps_seconds=record.timestamps_seconds,
            num_frames=num_frames,
            policy=self.policy,
            **inputs,
            **self.parameters,
        )
        return found.indices


def all_policies() -> list[PolicyChoice]:
    """Every policy with its own defaults; those that compare frames, in both ways of comparing."""
    choices = [PolicyChoice(name) for name in policy_names()]
    late = [PolicyChoice(name, "late_interaction") for name in policy_names() if policy_inputs(name).get("similarity")]
    return choices + late


def measured(records: Sequence[ScoreRecord], select: Callable[[ScoreRecord], Sequence[float]]) -> dict[str, np.ndarray]:
    """(num_records,) by name of ``METRICS``; ``diversity`` is NaN where there are no embeddings, one frame,
    or a frame that is no candidate.

    Args:
        select: the seconds of the frames selected for a question.
    """
    rows = []
    for record in records:
        started = time.perf_counter()
        chosen = [float(t) for t in select(record)]
        spent = (time.perf_counter() - started) * 1000
        gold = record.gold_intervals
        start, end = _span(record, chosen)
        rows.append(
            (
                float(hit_at_k(chosen, evidence_seconds=gold)),
                evidence_recall(chosen, evidence_seconds=gold),
                evidence_precision(chosen, evidence_seconds=gold),
                time_coverage(chosen, start_seconds=start, end_seconds=end),
                _diversity(record, chosen),
                float(len(chosen)),
                spent,
            )
        )
    return dict(zip(METRICS, np.array(rows).T, strict=True))


def _span(record: ScoreRecord, chosen: Sequence[float]) -> tuple[float, float]:
    """The candidates' time and what others chose outside it; without candidates, up to the last thing that is known of
    the video."""
    if len(record.timestamps_seconds):
        known = [float(record.timestamps_seconds[0]), float(record.timestamps_seconds[-1]), *chosen]
        return min(known), max(known)
    return min([0.0, *chosen]), max([*chosen, *(last for _, last in record.gold_intervals)])


def _diversity(record: ScoreRecord, chosen: Sequence[float]) -> float:
    """Mean of 1 - cosine over the pairs of frames selected."""
    if record.frames is None or len(chosen) < 2:
        return float("nan")
    times = record.timestamps_seconds
    positions = np.minimum(np.searchsorted(times, np.array(chosen) - TIME_TOLERANCE_SECONDS), len(times) - 1)
    if (np.abs(times[positions] - chosen) > TIME_TOLERANCE_SECONDS).any():
        return float("nan")
    vectors = record.frames.embeddings[positions]
    cosines = vectors @ vectors.T
    return float(1 - cosines[np.triu_indices(len(chosen), k=1)].mean())


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
