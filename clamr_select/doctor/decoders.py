"""Does each video backend return the frame that was asked for? A small video with uneven times is made and read."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import numpy as np

from clamr_select.doctor.report import Check, attempt
from clamr_select.errors import MissingDependencyError
from clamr_select.video import Backend, open_video

WIDTH, HEIGHT, GREY_STEP = 64, 48, 20
TIMES_CENTISECONDS = (0, 10, 25, 30, 50, 85, 90, 100, 130, 135)
"""Of the frames; uneven, so that a time made of an index and a rate is found out."""
WANTED = (1, 5, 8)
MAX_OFF_SECONDS = 0.001


def check_decoders() -> list[Check]:
    """One check for each backend."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "greys.mp4"
        write_video(path)
        checks = []
        for backend in get_args(Backend):
            checks += attempt(f"decoder {backend}", partial(read_back, path, backend=backend))
        return checks


def write_video(path: Path) -> None:
    """Frame i is the grey ``GREY_STEP * (i + 1)``. In MPEG-4 part 2, which every build of FFmpeg writes and reads."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=100)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, time in enumerate(TIMES_CENTISECONDS):
            image = np.full((HEIGHT, WIDTH, 3), GREY_STEP * (number + 1), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def read_back(path: Path, *, backend: Backend) -> Check:
    """Ask for some frames and look at what comes."""
    name = f"decoder {backend}"
    try:
        reader = open_video(path, backend=backend)
    except MissingDependencyError as error:
        if backend == "pyav":
            raise
        return Check(name, "absent" if find_spec(backend) is None else "warning", str(error))
    with reader:
        for frame in reader.frames(WANTED):
            wanted = TIMES_CENTISECONDS[frame.frame_index] / 100
            shown = round(float(frame.image.mean()) / GREY_STEP) - 1
            if shown != frame.frame_index or abs(frame.timestamp_seconds - wanted) > MAX_OFF_SECONDS:
                message = (
                    f"asked for frame {frame.frame_index} at {wanted:.2f} s, got frame {shown} at "
                    f"{frame.timestamp_seconds:.2f} s; use another backend, and report this"
                )
                return Check(name, "failed", message)
    return Check(name, "ok", f"frames {', '.join(map(str, WANTED))} of a made video are the right ones, times too")
