"""What every decoding backend promises: the frame at an index is the frame at that timestamp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np


@dataclass(frozen=True)
class VideoInfo:
    """What the container says about its best video stream, before any frame is decoded."""

    path: str
    width: int
    """Displayed width in pixels, rotation applied."""
    height: int
    """Displayed height in pixels, rotation applied."""
    num_frames: int
    """Displayable frames found by scanning the packets (headers of mkv and webm say 0)."""
    start_seconds: float
    """Timestamp of the first frame, as the container says; need not be 0."""
    duration_seconds: float
    """From the first frame's timestamp to the end of the last frame."""
    average_fps: float
    """``num_frames / duration_seconds``; for information, timestamps never come from it."""
    rotation_degrees: int
    """Clockwise rotation that was applied to display the frames upright: 0, 90, 180 or 270."""
    codec: str
    container: str
    backend: str
    metadata: dict[str, str] = field(default_factory=dict)
    """Container tags (title, comment, description, …), keys in lower case."""


@dataclass(frozen=True)
class DecodedFrame:
    """One frame as it is displayed."""

    frame_index: int
    """Index in presentation order, 0-based."""
    timestamp_seconds: float
    """Presentation timestamp read from the container."""
    image: np.ndarray
    """(height, width, 3) uint8 RGB, upright. Pixels that are not square are left as they are stored."""


class VideoReader(Protocol):
    """An open video. Use as a context manager; not safe to share between threads."""

    info: VideoInfo
    timestamps_seconds: np.ndarray
    """(num_frames,) float64, strictly increasing, read from the container."""
    warnings: list[tuple[str, str]]
    """(code, message) of everything that was noticed and did not stop the reading."""

    def frames(
        self,
        frame_indices: Sequence[int] | np.ndarray,
        *,
        max_side: int | None = None,
        on_undecodable: Literal["raise", "skip"] = "raise",
    ) -> Iterator[DecodedFrame]:
        """Decode ``frame_indices`` (strictly increasing) one by one, streamed.

        With ``max_side`` the longer side is scaled down to at most that many pixels (never up), keeping
        the aspect ratio. A frame that cannot be decoded raises ``FrameDecodeError`` naming it; with
        ``on_undecodable="skip"`` it is left out and recorded in ``warnings`` when the iterator ends.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> VideoReader: ...

    def __exit__(self, *exc_info: object) -> None: ...
