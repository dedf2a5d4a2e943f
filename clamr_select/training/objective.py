"""Which losses are trained on which scores, and how they are averaged over processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from clamr_select.errors import InputError, unknown_name
from clamr_select.training.distributed import num_processes, total
from clamr_select.training.losses import (
    hard_negative_infonce,
    hard_positive_infonce,
    infonce,
    kl_divergence,
    margin_mse,
    pairwise_softplus,
)
from clamr_select.training.scores import RowScores, Score, check_score

LossName = Literal["infonce", "pairwise", "hard_positive", "hard_negative", "distill_kl", "distill_margin"]
Rows = Literal["documents", "frames"]


@dataclass(frozen=True)
class LossTerm:
    """One weighted loss.

    ``hard_positive`` and ``hard_negative`` look at modalities one by one and ignore ``similarity``. The
    ``distill_*`` losses need ``teacher_scores``, and documents as rows.

    Raises:
        UnknownNameError, InputError: a name or weight that is not allowed.
    """

    loss: LossName = "infonce"
    similarity: Score = "modality_max"
    rows: Rows = "documents"
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.loss not in get_args(LossName):
            raise unknown_name("loss", self.loss, get_args(LossName))
        check_score(self.similarity)
        if self.rows not in get_args(Rows):
            raise unknown_name("rows", self.rows, get_args(Rows))
        if self.loss.startswith("distill") and self.rows != "documents":
            raise InputError(f"{self.loss} compares documents with a teacher's scores, got rows={self.rows!r}")
        if not 0 < self.weight < float("inf"):
            raise InputError(f"the weight of a loss must be above 0, got {self.weight}")


@dataclass(frozen=True)
class Objective:
    """Weighted losses and their temperature."""

    terms: tuple[LossTerm, ...] = (LossTerm(),)
    temperature: float = 0.02
    """Where it starts, or stays: the released code's."""
    learnable_temperature: bool = True
    """As in the paper; the released code keeps it fixed."""
    min_temperature: float = 0.01
    max_temperature: float = 0.2

    def __post_init__(self) -> None:
        if not self.terms:
            raise InputError("an objective needs at least one loss term, got none")
        if not 0 < self.min_temperature <= self.temperature <= self.max_temperature:
            raise InputError(
                f"temperature must lie within its bounds, got {self.min_temperature} <= {self.temperature} "
                f"<= {self.max_temperature}"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Objective:
        """The inverse of ``dataclasses.asdict``."""
        return cls(**{**values, "terms": tuple(LossTerm(**term) for term in values["terms"])})


@dataclass(frozen=True)
class Labels:
    """How the rows that were scored stand to this process's queries, on the scores' device."""

    relation: torch.Tensor
    """(num_queries, num_rows)."""
    target_ids: torch.Tensor
    """(num_queries,)."""
    joint: torch.Tensor
    """(num_queries,) bool: left out of ``modality_max``."""
    teacher: torch.Tensor | None = None
    """(num_queries, num_rows), NaN where unknown."""


def term_losses(term: LossTerm, *, scores: RowScores, labels: Labels, temperature: torch.Tensor) -> torch.Tensor:
    """The losses of one term, one a positive (a query, a pair), not yet averaged.

    Raises:
        InputError: a distillation loss without teacher scores.
    """
    relation = labels.relation
    if term.loss in ("hard_positive", "hard_negative"):
        hard = hard_positive_infonce if term.loss == "hard_positive" else hard_negative_infonce
        return hard(_scaled(scores.by_modality, temperature), relation=relation, target_ids=labels.target_ids)
    kept = ~labels.joint if term.similarity == "modality_max" else torch.ones_like(labels.joint)
    table = scores.of(term.similarity)[kept]
    if term.loss == "infonce":
        return infonce(_scaled(table, temperature), relation=relation[kept])
    if term.loss == "pairwise":
        return pairwise_softplus(_scaled(table, temperature), relation=relation[kept])
    if labels.teacher is None:
        raise InputError(f"{term.loss} needs teacher scores, and no query of this batch has any")
    if term.loss == "distill_kl":
        return kl_divergence(_scaled(table, temperature), teacher=labels.teacher[kept])
    return margin_mse(table, teacher=labels.teacher[kept], relation=relation[kept])


def _scaled(scores: torch.Tensor, temperature: torch.Tensor) -> torch.Tensor:
    """Scores over the temperature. ``-inf`` stays out of the division: its gradient would be 0 * inf."""
    absent = torch.isneginf(scores)
    return (scores.masked_fill(absent, 0.0) / temperature).masked_fill(absent, -torch.inf)


def average(losses: Sequence[torch.Tensor], *, weights: Sequence[float]) -> torch.Tensor:
    """The weighted sum of each term's mean over the positives of **all** processes.

    What each process returns is its share times the number of processes: the mean over processes, which is how
    gradients and logs are joined, is then what one process would compute over the whole batch.
    """
    counts = torch.tensor([float(len(values)) for values in losses], device=losses[0].device)
    everywhere = total(counts).clamp(min=1.0)
    shares = torch.stack([values.sum() for values in losses]) / everywhere
    return num_processes() * (shares * torch.tensor(weights, device=shares.device)).sum()
