"""Late interaction: MaxSim by candidate and modality, and its two aggregations.

Paper: CLaMR, arXiv 2506.06144, Eq. 1 (``token_max``, LI_context) and Eq. 3 (``modality_max``, LI_mw).
"""

from __future__ import annotations

from typing import Literal, get_args

import torch

from clamr_select.errors import InputError, unknown_name
from clamr_select.scoring.pieces import ranges_of
from clamr_select.scoring.segments import Segments

Similarity = Literal["token_max", "modality_max"]

BLOCK_ELEMENTS = 1 << 22
"""Similarities held at once: 16 MiB of float32, whatever the length of the video."""


def check_similarity(name: str) -> None:
    """Raises UnknownNameError unless ``name`` is ``token_max`` or ``modality_max``."""
    if name not in get_args(Similarity):
        raise unknown_name("similarity", name, get_args(Similarity))


def segment_maxsim(query: torch.Tensor, *, vectors: torch.Tensor, segments: Segments) -> torch.Tensor:
    """For every segment and query token, the highest dot product with a token of the segment.

    Args:
        query: (num_query_tokens, dim), real tokens only: padding has no place here.
        vectors: (num_tokens, dim), the tokens that ``segments`` index.

    Returns:
        (num_rows, num_modalities, num_query_tokens) float32; ``-inf`` where a segment is empty, so that an
        absent modality never wins. Sums and maxima are float32 whatever the storage dtype: in bfloat16,
        768 frames of one video collapse onto a handful of distinct scores.

    Raises:
        InputError: no query token, dimensions that differ, or a vector that is not finite.
    """
    check_query(query, dim=vectors.shape[-1])
    blocks = []
    for start, stop in ranges_of(segments.offsets.cpu(), max_entries=max(1, BLOCK_ELEMENTS // query.shape[0])):
        blocks.append(_block_maxsim(query.float(), vectors, segments, start, stop))
    maxima = torch.cat(blocks) if blocks else query.new_zeros((0, query.shape[0]), dtype=torch.float32)
    check_finite(maxima, num_modalities=segments.num_modalities)
    return maxima.view(segments.num_rows, segments.num_modalities, query.shape[0])


def check_query(query: torch.Tensor, *, dim: int) -> None:
    """Raises InputError unless the query has tokens, of the vectors' dim, all finite."""
    if query.ndim != 2 or query.shape[1] != dim:
        raise InputError(
            f"query and vectors must be (tokens, dim) with one dim, got a query of {tuple(query.shape)} and vectors of "
            f"dim {dim}"
        )
    if query.shape[0] == 0:
        raise InputError("the query has no token; the question must not be empty")
    if not bool(torch.isfinite(query).all()):
        raise InputError("the query has an embedding that is not finite; the encoder overflowed or was not loaded")


def check_finite(maxima: torch.Tensor, *, num_modalities: int) -> None:
    """Raises InputError where one of the (num_segments, num_query_tokens) maxima is not a number, or endless."""
    wrong = (torch.isnan(maxima) | torch.isposinf(maxima)).any(dim=1)
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0]) // num_modalities
        raise InputError(f"row {row} has an embedding that is not finite; the encoder overflowed or was not loaded")


def _block_maxsim(
    query: torch.Tensor, vectors: torch.Tensor, segments: Segments, start: int, stop: int
) -> torch.Tensor:
    offsets = segments.offsets[start : stop + 1]
    entries = segments.token_indices[offsets[0] : offsets[-1]]
    if len(entries) == 0:
        return query.new_full((stop - start, query.shape[0]), -torch.inf)
    low, high = int(entries.min()), int(entries.max()) + 1
    similarities = vectors[low:high].float() @ query.T  # [tokens of the block, Q]
    return torch.segment_reduce(
        similarities[entries - low], "max", offsets=offsets - offsets[0], axis=0, initial=-torch.inf
    )


def scores_by_modality(maxima: torch.Tensor) -> torch.Tensor:
    """MaxSim of each row by modality, mean over query tokens.

    Args:
        maxima: (num_rows, num_modalities, num_query_tokens) from :func:`segment_maxsim`.

    Returns:
        (num_rows, num_modalities) float32, ``-inf`` where the modality is absent.
    """
    return maxima.mean(dim=2)


def aggregate(maxima: torch.Tensor, *, similarity: Similarity) -> torch.Tensor:
    """One score a row, mean over query tokens.

    ``token_max`` takes the best token of any modality for each query token, so that one frame may answer
    half of the question by picture and half by speech; ``modality_max`` takes the one best modality.

    Returns:
        (num_rows,) float32, ``-inf`` where a row has no token at all.

    Raises:
        UnknownNameError: ``similarity`` is neither.
    """
    check_similarity(similarity)
    if maxima.shape[0] == 0:
        return maxima.new_zeros(0)
    if similarity == "token_max":
        return maxima.amax(dim=1).mean(dim=1)
    return scores_by_modality(maxima).amax(dim=1)
