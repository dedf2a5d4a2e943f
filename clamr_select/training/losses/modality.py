"""The paper's two losses that are told which modality answers (Table 5: both are worse than plain InfoNCE).

A query whose target is not one modality (``NO_TARGET``), or whose positive lacks that modality, keeps the plain
positive, its best modality: the released code divides by exp(-inf) there, or mixes rows.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from clamr_select.training.losses.contrastive import against
from clamr_select.training.losses.relation import NEGATIVE, POSITIVE, log_sum_of

NO_TARGET = 0


def hard_positive_infonce(
    by_modality: torch.Tensor, *, relation: torch.Tensor, target_ids: torch.Tensor
) -> torch.Tensor:
    """L_ModPos: the positive counts by its gold modality alone, negatives by their best one.

    Args:
        by_modality: (num_queries, num_rows, num_modalities), divided by the temperature; ``-inf`` where absent.
        relation: (num_queries, num_rows) of NEGATIVE, POSITIVE, IGNORED.
        target_ids: (num_queries,) int64 modality id 1..M that answers the query, or ``NO_TARGET``.

    Returns:
        (num_positives,), as of :func:`~clamr_select.training.losses.infonce`.
    """
    best = by_modality.amax(dim=2)
    negatives = log_sum_of(best, where=relation == NEGATIVE)
    return against(_positive_scores(by_modality, target_ids), positive=relation == POSITIVE, negatives=negatives)


def hard_negative_infonce(
    by_modality: torch.Tensor, *, relation: torch.Tensor, target_ids: torch.Tensor
) -> torch.Tensor:
    """L_ModNeg: the positive by its gold modality, against every other (document, modality) pair.

    Each pair competes once: every modality of every negative, and the positive's own other modalities. (The
    released code counts in-batch negatives twice, and keeps the uncorrected positive.) Where the positive counts
    by its best modality, its other ones are no negatives.

    Args and returns as of :func:`hard_positive_infonce`.
    """
    num_queries, num_rows, num_modalities = by_modality.shape
    others = log_sum_of(by_modality.flatten(1), where=(relation == NEGATIVE).repeat_interleave(num_modalities, dim=1))
    own = log_sum_of(by_modality.flatten(0, 1), where=_wrong_modalities(by_modality, target_ids).flatten(0, 1)).view(
        num_queries, num_rows
    )
    scores = _positive_scores(by_modality, target_ids)
    competes = torch.isfinite(others) | torch.isfinite(own)
    kept = (relation == POSITIVE) & torch.isfinite(scores) & competes
    negatives = torch.logaddexp(others.expand_as(own)[kept], own[kept])
    return functional.softplus(negatives - scores[kept])


def gold_is_absent(by_modality: torch.Tensor, *, relation: torch.Tensor, target_ids: torch.Tensor) -> torch.Tensor:
    """(num_queries, num_rows) bool: positives that keep their best modality, to be counted and reported."""
    return (relation == POSITIVE) & ~torch.isfinite(_gold(by_modality, target_ids))


def _gold(by_modality: torch.Tensor, target_ids: torch.Tensor) -> torch.Tensor:
    """(num_queries, num_rows) score of the target modality, ``-inf`` where there is none."""
    index = (target_ids - 1).clamp(min=0)[:, None, None].expand(-1, by_modality.shape[1], 1)
    return by_modality.gather(2, index)[..., 0].masked_fill((target_ids == NO_TARGET)[:, None], -torch.inf)


def _positive_scores(by_modality: torch.Tensor, target_ids: torch.Tensor) -> torch.Tensor:
    gold = _gold(by_modality, target_ids)
    return torch.where(torch.isfinite(gold), gold, by_modality.amax(dim=2))


def _wrong_modalities(by_modality: torch.Tensor, target_ids: torch.Tensor) -> torch.Tensor:
    """(num_queries, num_rows, num_modalities) bool: not the gold one, in rows that have the gold one."""
    ids = torch.arange(1, by_modality.shape[2] + 1, device=by_modality.device)
    wrong = ids != target_ids[:, None, None]
    return wrong & torch.isfinite(_gold(by_modality, target_ids))[..., None]
