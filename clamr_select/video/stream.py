"""Decode candidate frames one after the other, each with the frame that follows it where motion is wanted."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from clamr_select.errors import FrameDecodeError
from clamr_select.video.candidates import Candidates, neighbor_indices
from clamr_select.video.reader import DecodedFrame, VideoReader

CANDIDATE_MAX_SIDE = 224
"""Pixels: what the vision towers look at."""


def decode_candidates(
    reader: VideoReader,
    candidates: Candidates,
    *,
    max_side: int | None = CANDIDATE_MAX_SIDE,
    with_neighbors: bool = False,
    allow_none: bool = False,
) -> Generator[tuple[DecodedFrame, DecodedFrame | None], None, None]:
    """(candidate, neighbour) of every candidate that can be decoded, in time order, streamed.

    The neighbour is the video's next frame; None without ``with_neighbors``, and the candidate itself where
    there is no next frame or it cannot be decoded. Candidates that cannot be decoded are left out and recorded
    in ``reader.warnings`` as ``undecodable_frames`` once the iterator has ended.

    Args:
        allow_none: that not one can be decoded is no error.

    Raises:
        FrameDecodeError: none of the candidates can be decoded.
        InputError: a candidate is not a frame of this video, or ``max_side`` is below 1.
    """
    wanted = candidates.frame_indices
    if with_neighbors:
        wanted = np.union1d(wanted, neighbor_indices(wanted, reader.info.num_frames))
    frames = reader.frames(wanted, max_side=max_side, on_undecodable="skip")
    pairs = _with_next(frames, candidates) if with_neighbors else ((frame, None) for frame in frames)
    return pairs if allow_none else _at_least_one(pairs, reader)


def _with_next(
    frames: Iterator[DecodedFrame], candidates: Candidates
) -> Generator[tuple[DecodedFrame, DecodedFrame | None], None, None]:
    is_candidate = frozenset(candidates.frame_indices.tolist())
    waiting: DecodedFrame | None = None
    for frame in frames:
        if waiting is not None:
            follows = frame.frame_index == waiting.frame_index + 1
            yield waiting, frame if follows else waiting
        waiting = frame if frame.frame_index in is_candidate else None
    if waiting is not None:
        yield waiting, waiting


def _at_least_one(
    pairs: Iterator[tuple[DecodedFrame, DecodedFrame | None]], reader: VideoReader
) -> Generator[tuple[DecodedFrame, DecodedFrame | None], None, None]:
    decoded = False
    for pair in pairs:
        decoded = True
        yield pair
    if not decoded:
        raise FrameDecodeError(
            f"none of the candidate frames of {reader.info.path!r} can be decoded; the file is damaged. "
            f"Repair it by re-encoding."
        )
