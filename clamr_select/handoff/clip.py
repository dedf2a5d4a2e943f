"""The selected frames as a short mp4, for players and for services that take nothing but a file."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from clamr_select.errors import InputError
from clamr_select.handoff.frames import decode_frames
from clamr_select.selection import Selection

CRF = "18"
MIN_SECONDS_PER_FRAME, MAX_SECONDS_PER_FRAME = 0.01, 3600.0


def to_clip(
    selection: Selection, path: str | Path, *, seconds_per_frame: float = 1.0, max_side: int | None = None
) -> Path:
    """See :meth:`Selection.to_clip`."""
    import av

    file = Path(path)
    if file.suffix.lower() != ".mp4":
        raise InputError(f"a clip is an mp4; got the file name {file.name!r}, expected one that ends in .mp4")
    if not MIN_SECONDS_PER_FRAME <= seconds_per_frame <= MAX_SECONDS_PER_FRAME:
        raise InputError(
            f"seconds_per_frame must be {MIN_SECONDS_PER_FRAME} to {MAX_SECONDS_PER_FRAME}, got {seconds_per_frame!r}"
        )
    if not len(selection):
        raise InputError("the selection has no frame to show; select with num_frames of at least 1")
    _check_target(file, source=Path(selection.video))
    frames = [_even(frame) for frame in decode_frames(selection, max_side=max_side)]
    times = {"source_timestamps_seconds": selection.timestamps_seconds, "question": selection.question}
    step = Fraction(seconds_per_frame).limit_denominator(1000)
    with av.open(str(file), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = json.dumps(times, ensure_ascii=False)
        # every frame a key frame: players stop on any of them
        stream = container.add_stream("libx264", rate=1 / step, options={"crf": CRF, "g": "1", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.time_base = step
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, step
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file


def _check_target(file: Path, *, source: Path) -> None:
    """Never over the source, which the selection still needs; and only into a folder that is there."""
    if not file.parent.is_dir():
        raise InputError(f"there is no folder {str(file.parent)!r} to write {file.name!r} into; make it first")
    if file.exists() and source.exists() and file.samefile(source):
        raise InputError(f"{str(file)!r} is the video that the frames come from; choose another name for the clip")


def _even(frame: np.ndarray) -> np.ndarray:
    """yuv420p halves both sides: an odd one is lengthened by its last row or column."""
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
