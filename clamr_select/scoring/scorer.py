"""The tokens of one video, laid out once, scored for many questions on whatever device there is."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from clamr_select.errors import InputError, unknown_name
from clamr_select.scoring.blocked import blocked_maxima
from clamr_select.scoring.cuda import plain_maxima
from clamr_select.scoring.groups import group_blocks
from clamr_select.scoring.maxsim import check_finite, check_query
from clamr_select.scoring.pieces import cut_segments
from clamr_select.scoring.segments import Segments
from clamr_select.scoring.stored_vectors import Storage, store_vectors

Engine = Literal["blocked", "plain"]
"""``blocked``: on a CPU, block by block. ``plain``: on a GPU, a matrix product and a maximum of each segment."""


def choose_engine(device: torch.device) -> Engine:
    """The engine for a device."""
    return "plain" if device.type == "cuda" else "blocked"


class SegmentScorer:
    """MaxSim of one video's segments, one question after the other.

    Args:
        vectors: (num_tokens, dim) float32, bfloat16 or float16, the tokens that ``segments`` index.
        segments: what scores where.
        device: that scores; the vectors are moved there.
        engine: None chooses by the device.
        storage: what the vectors are kept and multiplied as, on a CPU; on a GPU give them as they shall be kept.

    Raises:
        InputError: the engine does not run on the device, or does not keep such storage.
        UnknownNameError: there is no such engine or storage.
    """

    def __init__(
        self,
        vectors: torch.Tensor,
        *,
        segments: Segments,
        device: str | torch.device = "cpu",
        engine: Engine | None = None,
        storage: Storage = "as_given",
    ) -> None:
        self.device = torch.device(device)
        self.engine: Engine = choose_engine(self.device) if engine is None else engine
        _check_engine(self.engine, self.device)
        self.segments = segments
        self.dim = vectors.shape[1]
        if self.engine == "blocked":
            self.stored = store_vectors(vectors.to(self.device), storage=storage)
            self.blocks = group_blocks(segments)
            self.storage = str(vectors.dtype).removeprefix("torch.") if storage == "as_given" else storage
            return
        if storage != "as_given":
            raise InputError(f"storage {storage!r} is for the CPU; on {str(self.device)!r} give vectors of that dtype")
        self.vectors = vectors.to(self.device)
        self.pieces = cut_segments(segments, num_tokens=len(vectors)).to(self.device)
        self.storage = str(vectors.dtype).removeprefix("torch.")

    @property
    def description(self) -> dict[str, str]:
        """What scores, for reports."""
        return {"engine": self.engine, "device": str(self.device), "storage": self.storage}

    def maxima(self, query: torch.Tensor) -> torch.Tensor:
        """For every segment and query token, the highest dot product with a token of the segment.

        Args:
            query: (num_query_tokens, dim), real tokens only.

        Returns:
            (num_rows, num_modalities, num_query_tokens) float32 on the CPU, as
            :func:`~clamr_select.scoring.maxsim.segment_maxsim`.

        Raises:
            InputError: as there.
        """
        check_query(query, dim=self.dim)
        query = query.to(self.device, torch.float32)
        if self.engine == "blocked":
            num_segments = self.segments.num_rows * self.segments.num_modalities
            maxima = blocked_maxima(query, vectors=self.stored, blocks=self.blocks, num_segments=num_segments)
        else:
            maxima = self.on_device(query).cpu()
        check_finite(maxima, num_modalities=self.segments.num_modalities)
        return maxima.view(self.segments.num_rows, self.segments.num_modalities, len(query))

    def on_device(self, query: torch.Tensor) -> torch.Tensor:
        """(num_segments, num_query_tokens) on the GPU, unchecked, without waiting for it.

        Args:
            query: (num_query_tokens, dim) float32 on the scorer's device.
        """
        return self.pieces.join(plain_maxima(query, vectors=self.vectors, pieces=self.pieces))


def _check_engine(engine: str, device: torch.device) -> None:
    if engine not in get_args(Engine):
        raise unknown_name("engine", engine, get_args(Engine))
    if (engine == "blocked") == (device.type == "cuda"):
        raise InputError(
            f"the engine {engine!r} does not run on {str(device)!r}: 'blocked' is for the CPU, 'plain' for cuda; "
            "leave engine out"
        )
