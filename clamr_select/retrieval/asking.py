"""A question as vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clamr_select.errors import CorpusMismatchError, InputError
from clamr_select.selection import SelectionWarning

if TYPE_CHECKING:
    import torch

    from clamr_select.selector import FrameSelector


def question_vectors(
    query: str | np.ndarray | torch.Tensor, *, selector: FrameSelector | None, dim: int, where: str
) -> tuple[np.ndarray, tuple[SelectionWarning, ...]]:
    """(num_tokens, dim) float32, and that the question was cut, where it was.

    Args:
        where: the corpus, for messages.

    Raises:
        CorpusMismatchError: a text, and no selector.
        InputError: vectors of another shape, or not finite.
    """
    warnings: tuple[SelectionWarning, ...] = ()
    if isinstance(query, str):
        if selector is None:
            raise CorpusMismatchError(
                f"{where} was opened without a selector, so a question must come as vectors; open it with one"
            )
        encoded, cut = selector.encoder.encode_query([query])
        query = encoded[0]
        if cut:
            message = f"the question is too long for this model; its last {cut[0].num_tokens_cut} tokens were cut"
            warnings = (SelectionWarning("question_truncated", message),)
    if hasattr(query, "detach"):
        # NumPy takes no tensor with gradients, of another device, or of bfloat16
        query = query.detach().float().cpu()
    vectors = np.ascontiguousarray(np.asarray(query), dtype=np.float32)
    if vectors.ndim != 2 or not len(vectors) or vectors.shape[1] != dim:
        raise InputError(f"a query is (num_tokens, {dim}), got shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise InputError("the query has an embedding that is not finite; the encoder overflowed or was not loaded")
    return vectors, warnings
