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
        self._vectors = tokens.vectors[entries[order]].float().cpu().numpy()
        self._counts = torch.bincount(rows, minlength=tokens.num_candidates).cpu().numpy()
        self._starts = np.concatenate([[0], np.cumsum(self._counts)])
        self._filled = np.flatnonzero(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def to(self, position: int) -> np.ndarray:
        """(num_candidates,) float32, at most 1; 1 of a frame with itself, 0 where either has no token."""
        found = np.zeros(len(self), dtype=np.float32)
        if not self._counts[position]:
            return found
        products = self._vectors @ self._vectors[self._starts[position] : self._starts[position + 1]].T
        starts = self._starts[self._filled]  # of groups that are not empty, so that each ends where the next begins
        theirs = np.add.reduceat(products.max(axis=1), starts) / self._counts[self._filled]
        ours = np.maximum.reduceat(products, starts, axis=0).mean(axis=1)
        found[self._filled] = np.minimum((theirs + ours) / 2, 1.0)
        return found
