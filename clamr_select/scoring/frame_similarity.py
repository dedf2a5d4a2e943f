"""How alike two frames of a video are, from the tokens it was encoded to."""

from __future__ import annotations

import numpy as np
import torch

from clamr_select.scoring.segments import candidate_entries
from clamr_select.scoring.tokens import TokenEmbeddings


def pooled_frames(tokens: TokenEmbeddings) -> torch.Tensor:
    """(num_candidates, dim) float32: the mean of a candidate's tokens of all modalities, L2-normalised.

    Prompt, padding and metadata are in none. A candidate without a token gets the mean of all.
    """
    entries, rows = candidate_entries(tokens)
    sums = torch.zeros(tokens.num_candidates, tokens.vectors.shape[1])
    rows = rows.cpu()
    sums.index_add_(0, rows, tokens.vectors[entries].float().cpu())
    empty = torch.bincount(rows, minlength=tokens.num_candidates) == 0
    sums[empty] = sums.sum(dim=0)
    return torch.nn.functional.normalize(sums, dim=1)


class LateInteractionSimilarity:
    """MaxSim of two frames' token sets, both ways: each token of one finds its best of the other.

    ``to(i)`` costs one product of frame i's tokens with all tokens of the video.
    """

    def __init__(self, tokens: TokenEmbeddings) -> None:
        entries, rows = candidate_entries(tokens)
        order = torch.argsort(rows, stable=True)
        self._vectors = tokens.vectors[entries[order]].float().cpu()
        self._rows = rows[order].cpu()
        counts = torch.bincount(self._rows, minlength=tokens.num_candidates)
        self._counts = counts.clamp(min=1)
        self._offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])

    def __len__(self) -> int:
        return len(self._counts)

    def to(self, position: int) -> np.ndarray:
        """(num_candidates,) float32, at most 1; 1 of a frame with itself, 0 where either has no token."""
        first, end = int(self._offsets[position]), int(self._offsets[position + 1])
        found = torch.zeros(len(self))
        if first == end:
            return found.numpy()
        products = self._vectors @ self._vectors[first:end].T
        theirs = found.index_add(0, self._rows, products.amax(dim=1)) / self._counts
        best = torch.full((len(self), end - first), -1.0)
        best.scatter_reduce_(0, self._rows[:, None].expand_as(products), products, "amax")
        ours = best.mean(dim=1)
        ours[torch.diff(self._offsets) == 0] = 0.0
        return ((theirs + ours) / 2).clamp(max=1.0).numpy()
