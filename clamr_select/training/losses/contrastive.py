"""A positive against the rows that do not answer."""

from __future__ import annotations

import torch
from torch.nn import functional

from clamr_select.training.losses.relation import NEGATIVE, POSITIVE, log_sum_of


def infonce(scores: torch.Tensor, *, relation: torch.Tensor) -> torch.Tensor:
    """InfoNCE in which each positive competes with all negatives, not with the other positives.

    With one positive a query it is Eq. 2 of the paper (arXiv 2506.06144); its similarity, ``modality_max``
    (LI_mw, Eq. 3) or ``token_max``, is the caller's choice.

    Args:
        scores: (num_queries, num_rows), divided by the temperature; ``-inf`` where a row cannot score.
        relation: (num_queries, num_rows) of NEGATIVE, POSITIVE, IGNORED.

    Returns:
        (num_positives,) ``-log(exp(p) / (exp(p) + sum(exp(negatives))))``. A positive that cannot score, or has
        no negative to compete with, is left out.
    """
    return against(scores, positive=relation == POSITIVE, negatives=log_sum_of(scores, where=relation == NEGATIVE))


def pairwise_softplus(scores: torch.Tensor, *, relation: torch.Tensor) -> torch.Tensor:
    """(num_positives,) ``log(1 + exp(hardest negative - positive))``; arguments as of :func:`infonce`.

    A positive that cannot score, or has no negative, is left out (upstream counts it as 0).
    """
    hardest = scores.masked_fill(relation != NEGATIVE, -torch.inf).amax(dim=1, keepdim=True)
    return against(scores, positive=relation == POSITIVE, negatives=hardest)


def against(scores: torch.Tensor, *, positive: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """``softplus(negatives - score)`` of every positive with a finite score and finite negatives.

    Args:
        scores, positive: (num_queries, num_rows).
        negatives: (num_queries, 1).
    """
    kept = positive & torch.isfinite(scores) & torch.isfinite(negatives)
    return functional.softplus(negatives.expand_as(scores)[kept] - scores[kept])
