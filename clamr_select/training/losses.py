"""Contrastive losses over late-interaction scores, with several positives and with rows left out."""

from __future__ import annotations

import torch

NEGATIVE, POSITIVE, IGNORED = 0, 1, 2
"""How a row (frame or document) stands to a query."""


def contrastive_loss(scores: torch.Tensor, *, relation: torch.Tensor) -> torch.Tensor:
    """InfoNCE in which each positive competes with all negatives, not with the other positives.

    Args:
        scores: (num_queries, num_rows), divided by the temperature; ``-inf`` where a row cannot score.
        relation: (num_queries, num_rows) of NEGATIVE, POSITIVE, IGNORED.

    Returns:
        Scalar: mean over positives of ``-log(exp(p) / (exp(p) + sum(exp(negatives))))``; a positive that
        cannot score (``-inf``) is left out. 0 without any positive.
    """
    negatives = scores.masked_fill(relation != NEGATIVE, -torch.inf).logsumexp(dim=1, keepdim=True)
    positive = (relation == POSITIVE) & torch.isfinite(scores)
    losses = torch.nn.functional.softplus((negatives - scores)[positive])
    return losses.sum() / positive.sum().clamp(min=1)


def query_means(maxima: torch.Tensor, *, query_of_token: torch.Tensor, num_queries: int) -> torch.Tensor:
    """Mean over each query's tokens.

    Args:
        maxima: (…, num_query_tokens) of all queries side by side, ``-inf`` where a segment is empty.
        query_of_token: (num_query_tokens,) int64.

    Returns:
        (…, num_queries), ``-inf`` where the segment is empty.
    """
    weights = torch.nn.functional.one_hot(query_of_token, num_queries).to(maxima.dtype)
    weights = weights / weights.sum(dim=0, keepdim=True)
    absent = torch.isneginf(maxima[..., :1])
    # 0 * -inf is NaN: empty segments go in as 0 and come out as -inf
    return (maxima.masked_fill(absent, 0.0) @ weights).masked_fill(absent, -torch.inf)
