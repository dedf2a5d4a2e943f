"""How a row (frame or document) stands to a query."""

from __future__ import annotations

import torch

NEGATIVE, POSITIVE, IGNORED = 0, 1, 2


def log_sum_of(scores: torch.Tensor, *, where: torch.Tensor) -> torch.Tensor:
    """(num_queries, 1) ``logsumexp`` of the scores (num_queries, n) that ``where`` names; ``-inf`` where it names
    none, with a gradient of 0 and not NaN."""
    where = where & torch.isfinite(scores)
    some = where.any(dim=1, keepdim=True)
    # a row without any entry is summed over zeros, and then replaced
    kept = scores.masked_fill(~where & some, -torch.inf).masked_fill(~some, 0.0)
    return kept.logsumexp(dim=1, keepdim=True).masked_fill(~some, -torch.inf)
