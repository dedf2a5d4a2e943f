"""A long video as files: H.264 pictures and the transcript as subtitles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from clamr_select.eval.needle.plans import Line
from clamr_select.eval.needle.render import render_scene
from clamr_select.eval.needle.scene import Scene

Shown = tuple[Scene, tuple[tuple[str, str], ...]]
"""A scene and the text on screen: (position, text)."""
_WIDTH, _HEIGHT = 640, 360


def write_mp4(path: Path, seconds: Sequence[Shown], *, fps: int, crf: int, title: str) -> None:
    """Encode one second after the other (640x360, x264 ``superfast``); things that move start anew every second."""
    import av

    with av.open(str(path), "w", format="mp4") as container:
        container.metadata["title"] = title
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        stream.options = {"preset": "superfast", "crf": str(crf), "g": str(10 * fps)}
        stream.codec_context.thread_count = 2  # fixed: the number of threads changes the bytes
        previous: Shown | None = None
        frames: list[av.VideoFrame] = []
        for second, shown in enumerate(seconds):
            if shown != previous:
                frames = [
                    av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
                    for image in _one_second(shown, fps)
                ]
                previous = shown
            for number in range(fps):
                frame = frames[number % len(frames)]
                frame.pts = second * fps + number
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_srt(path: Path, lines: Iterable[Line]) -> None:
    """Speech, as it was heard, with the times of its candidates."""
    import pysubs2

    file = pysubs2.SSAFile()
    for line in sorted(lines, key=lambda line: line.first):
        file.append(pysubs2.SSAEvent(start=1000 * line.first, end=1000 * (line.last + 1), text=line.text))
    file.save(str(path), format_="srt")


def _one_second(shown: Shown, fps: int) -> list[np.ndarray]:
    scene, texts = shown
    at = dict(texts)
    phases = range(fps) if any(shape.motion for shape in scene.shapes) else range(1)
    return [
        render_scene(
            scene,
            width=_WIDTH,
            height=_HEIGHT,
            caption=at.get("caption"),
            title=at.get("title"),
            phase=number / fps,
        )
        for number in phases
    ]
