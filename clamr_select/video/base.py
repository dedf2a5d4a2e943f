"""What all backends share: arguments are checked, frames are delivered in order, losses are recorded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Literal, Self

import numpy as np

from clamr_select.errors import FrameDecodeError, InputError, unknown_name
from clamr_select.video.index import VideoIndex
from clamr_select.video.reader import DecodedFrame
from clamr_select.video.scaling import check_max_side

OnUndecodable = Literal["raise", "skip"]
Images = Generator[tuple[int, np.ndarray | None], None, None]
"""(frame_index, upright RGB image) of every index in order; None where it cannot be decoded."""

_NAMED_INDICES = 8


class IndexedReader(ABC):
    """A reader on a :class:`VideoIndex`; a backend adds ``_images``."""

    backend: str

    def __init__(self, index: VideoIndex) -> None:
        self.index = index
        self.info = replace(index.info, backend=self.backend)
        self.timestamps_seconds = index.timestamps_seconds
        self.warnings: list[tuple[str, str]] = list(index.warnings)
        self._closed = False

    @abstractmethod
    def _images(self, frame_indices: np.ndarray, max_side: int | None) -> Images:
        """Decode checked indices."""

    def frames(
        self,
        frame_indices: Sequence[int] | np.ndarray,
        *,
        max_side: int | None = None,
        on_undecodable: OnUndecodable = "raise",
    ) -> Iterator[DecodedFrame]:
        """See :meth:`clamr_select.video.reader.VideoReader.frames`."""
        if self._closed:
            raise InputError(f"the reader of {self.info.path!r} is closed; open the video again")
        checked = checked_indices(
            frame_indices, num_frames=self.info.num_frames, max_side=max_side, on_undecodable=on_undecodable
        )
        return self._deliver(checked, max_side, on_undecodable)

    def close(self) -> None:
        """Release what the backend holds."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _deliver(
        self, frame_indices: np.ndarray, max_side: int | None, on_undecodable: OnUndecodable
    ) -> Iterator[DecodedFrame]:
        lost: list[int] = []
        images = self._images(frame_indices, max_side)
        try:
            for index, image in images:
                seconds = float(self.timestamps_seconds[index])
                if image is not None:
                    yield DecodedFrame(index, seconds, image)
                elif on_undecodable == "skip":
                    lost.append(index)
                else:
                    raise FrameDecodeError(
                        f"frame {index} at {seconds:.3f} s of {self.info.path!r} cannot be decoded: its data is "
                        f"damaged or incomplete. Ask for another frame, or repair the file by re-encoding it."
                    )
        finally:
            images.close()
            self._note("undecodable_frames", lost, "frames left out because they cannot be decoded")

    def _note_damage(self, damaged_pts: set[int], delivered: list[int]) -> None:
        """Record which of the frames that were delivered are damaged, or may be made from what is."""
        damaged = self.index.packets.refer_to(damaged_pts, np.array(delivered, dtype=np.int64)).tolist()
        self._note("damaged_frames", damaged, "frames in which damaged parts are filled in, or that refer to such")

    def _note(self, code: str, frame_indices: list[int], what: str) -> None:
        """Record that something happened to some frames; nothing for none."""
        if frame_indices:
            named = ", ".join(map(str, frame_indices[:_NAMED_INDICES]))
            more = ", …" if len(frame_indices) > _NAMED_INDICES else ""
            self.warnings.append((code, f"{what}: {len(frame_indices)} (indices {named}{more})"))


def checked_indices(
    frame_indices: Sequence[int] | np.ndarray, *, num_frames: int, max_side: int | None, on_undecodable: OnUndecodable
) -> np.ndarray:
    """(num_wanted,) int64, once all that a reader's ``frames`` was given is allowed.

    Raises:
        InputError: something is not.
    """
    if on_undecodable not in ("raise", "skip"):
        raise unknown_name("on_undecodable", on_undecodable, ("raise", "skip"))
    check_max_side(max_side)
    try:
        indices = np.asarray(frame_indices)
    except ValueError:  # lists of uneven lengths
        raise _no_indices(frame_indices) from None
    if indices.size == 0:
        return np.zeros(0, dtype=np.int64)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise _no_indices(frame_indices)
    if np.any(np.diff(indices.astype(np.int64)) <= 0):
        raise InputError(f"frame_indices must be strictly increasing, got {indices.tolist()}")
    if indices[0] < 0 or indices[-1] >= num_frames:
        raise InputError(
            f"frame_indices must be in 0..{num_frames - 1} (the video has {num_frames} frames), "
            f"got {indices[0]}..{indices[-1]}"
        )
    return indices.astype(np.int64)


def _no_indices(given: object) -> InputError:
    return InputError(f"frame_indices must be whole numbers in one dimension, got {given!r}")
