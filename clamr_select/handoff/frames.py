"""The selected frames as arrays and as image files, decoded again from the source video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import FrameDecodeError, InputError
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.selection import Selection
from clamr_select.time_format import format_time_for_filename

if TYPE_CHECKING:
    from clamr_select.video import Backend
    from clamr_select.video.reader import DecodedFrame

MAX_TIMESTAMP_DIFFERENCE_SECONDS = 1e-3
"""JSON keeps all digits of a timestamp, so a larger difference is another frame, not rounding."""
JPEG_QUALITY = 95


def decode_frames(selection: Selection, *, max_side: int | None = None) -> list[np.ndarray]:
    """Decode the selected frames from ``selection.video``, in time order.

    Args:
        max_side: scale the longer side down to at most this many pixels (never up); None keeps full size.

    Returns:
        (height, width, 3) uint8 RGB each, upright.

    Raises:
        FrameDecodeError: a frame cannot be decoded, or is no longer at the time the selection has for it,
            because the video changed since.
        VideoError: the video is gone, or no longer one.
    """
    return [frame.image for frame in _frames_as_selected(selection, max_side=max_side)]


def save_frames(selection: Selection, directory: str | Path) -> list[Path]:
    """Write the selected frames at full size, one JPEG each, named by order and time.

    ``frame_0003_00-01-23.400.jpg`` is the third selected frame, at 1 min 23.4 s. JPEG at quality 95 without
    chroma subsampling keeps small coloured text readable at a tenth of the size of PNG. Frames are written as
    they are decoded, so memory holds one at a time.

    Args:
        directory: made if missing. Files of the same name are replaced.

    Returns:
        The paths written, in time order.

    Raises:
        InputError: the directory already holds ``frame_*.jpg`` of another selection, which would mix.
        FrameDecodeError, VideoError: as :func:`decode_frames`.
    """
    from PIL import Image

    folder = Path(directory)
    paths = [folder / name for name in frame_names(selection)]
    check_no_strangers(folder, known=paths)
    folder.mkdir(parents=True, exist_ok=True)
    for path, frame in zip(paths, _frames_as_selected(selection, max_side=None), strict=True):
        Image.fromarray(frame.image).save(path, quality=JPEG_QUALITY, subsampling=0)
    return paths


def frame_names(selection: Selection) -> list[str]:
    """What :func:`save_frames` calls the files, in time order."""
    return [
        f"frame_{number:04d}_{format_time_for_filename(seconds)}.jpg"
        for number, seconds in enumerate(selection.timestamps_seconds, start=1)
    ]


def check_no_strangers(folder: Path, *, known: Iterable[Path]) -> None:
    """Raises InputError where ``folder`` holds a ``frame_*.jpg`` that is not ``known``."""
    strangers = sorted(set(folder.glob("frame_*.jpg")) - set(known))
    if strangers:
        raise InputError(
            f"{folder} holds {len(strangers)} frames of another selection, e.g. {strangers[0].name}; "
            "remove them or choose another directory"
        )


def frames_at(
    video: str,
    timestamps_seconds: Mapping[int, float],
    *,
    max_side: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    isolate: bool = False,
    backend: Backend = "pyav",
) -> Iterator[DecodedFrame]:
    """Decode frames whose times are known, one by one.

    Args:
        timestamps_seconds: frame index to the time the frame is expected at, indices increasing.
        backend: see :func:`clamr_select.video.open_video`; the frames are the same, colours differ by rounding.

    Raises:
        FrameDecodeError, VideoError: as :func:`decode_frames`.
    """
    from clamr_select.isolation import opener

    with opener(isolate=isolate)(video, backend=backend, limits=limits) as reader:
        beyond = [index for index in timestamps_seconds if index >= reader.info.num_frames]
        if beyond:
            raise FrameDecodeError(
                f"{video} has {reader.info.num_frames} frames and the selection wants "
                f"frame {beyond[0]}: the video changed since; select again"
            )
        for frame in reader.frames(list(timestamps_seconds), max_side=max_side):
            expected = timestamps_seconds[frame.frame_index]
            if abs(frame.timestamp_seconds - expected) > MAX_TIMESTAMP_DIFFERENCE_SECONDS:
                raise FrameDecodeError(
                    f"frame {frame.frame_index} of {video} is at {frame.timestamp_seconds:.3f} s, "
                    f"the selection has it at {expected:.3f} s: the video changed since; select again"
                )
            yield frame


def opened_as(selection: Selection) -> dict[str, Any]:
    """``limits`` and ``isolate`` as the video was indexed."""
    method = selection.method
    return {"limits": Limits.from_mapping(method.get("limits", {})), "isolate": method.get("isolate") is True}


def _frames_as_selected(selection: Selection, *, max_side: int | None) -> Iterator[DecodedFrame]:
    times = dict(zip(selection.frame_indices, selection.timestamps_seconds, strict=True))
    return frames_at(selection.video, times, max_side=max_side, **opened_as(selection))
