"""Learning from the scores of a stronger model: a cross-encoder, or a VLM asked how well a video answers."""

from __future__ import annotations

import torch

from clamr_select.training.losses.relation import NEGATIVE, POSITIVE


def kl_divergence(scores: torch.Tensor, *, teacher: torch.Tensor) -> torch.Tensor:
    """KL(teacher ‖ student) over the rows that the teacher has scored, each side a softmax.

    Args:
        scores: (num_queries, num_rows), divided by the temperature; ``-inf`` where a row cannot score.
        teacher: (num_queries, num_rows) logits; NaN where the teacher has not scored.

    Returns:
        One value for each query with at least two rows that both have scored.
    """
    known = torch.isfinite(teacher) & torch.isfinite(scores)
    rows = known.sum(dim=1) >= 2
    known = known[rows]
    target = teacher[rows].masked_fill(~known, -torch.inf).log_softmax(dim=1)
    student = scores[rows].masked_fill(~known, -torch.inf).log_softmax(dim=1)
    difference = torch.where(known, target, 0.0) - torch.where(known, student, 0.0)
    return (target.exp() * difference).sum(dim=1)


def margin_mse(scores: torch.Tensor, *, teacher: torch.Tensor, relation: torch.Tensor) -> torch.Tensor:
    """Squared difference of margins, positive minus negative (Hofstätter et al., arXiv 2010.02666).

    Args:
        scores: (num_queries, num_rows), **not** divided by the temperature: both sides on the teacher's scale.
        teacher: as of :func:`kl_divergence`.
        relation: (num_queries, num_rows) of NEGATIVE, POSITIVE, IGNORED.

    Returns:
        One value for each (positive, negative) pair of a query that both have scored.
    """
    known = torch.isfinite(teacher) & torch.isfinite(scores)
    query, positive, negative = (
        ((relation == POSITIVE) & known)[:, :, None] & ((relation == NEGATIVE) & known)[:, None, :]
    ).nonzero(as_tuple=True)
    margins = scores[query, positive] - scores[query, negative]
    return (margins - (teacher[query, positive] - teacher[query, negative])).square()
