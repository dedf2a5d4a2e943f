"""The programme as an mp4: H.264 and AAC, written shot by shot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.eval.needle.render import BAND, render_scene
from clamr_select.eval.sample.audio import SAMPLE_RATE, shot_sound
from clamr_select.eval.sample.programme import FPS, TITLE, Programme, Shot

if TYPE_CHECKING:
    import av

WIDTH, HEIGHT = 640, 360
_PAN_PIXELS_PER_SECOND = 6
_MARGIN = 30  # pixels of picture beyond either edge, for the pan


def write_mp4(programme: Programme, path: Path) -> None:
    """Encode the programme to ``path`` (640x360, 25 fps, x264 ``superfast``, AAC mono).

    The bytes are the same on every run with the same PyAV; a picture's content and times always are.
    """
    import av

    with av.open(str(path), "w", format="mp4") as container:
        container.metadata["title"] = TITLE
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "superfast", "crf": "23", "g": "125"}
        video.codec_context.thread_count = 2  # fixed: the number of threads changes the bytes
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 48_000
        clock = 0
        for number, shot in enumerate(programme.shots):
            _encode_pictures(container, video, shot, clock, number)
            _encode_sound(container, audio, shot, clock, number)
            clock += shot.num_frames
        for stream in (video, audio):
            container.mux(stream.encode(None))


def _encode_pictures(
    container: av.container.OutputContainer, stream: av.VideoStream, shot: Shot, clock: int, number: int
) -> None:
    import av

    previous = -1
    frame = None
    for index, (offset, image) in enumerate(_panned(shot, number)):
        if frame is None or offset != previous:  # a still picture is converted once
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            previous = offset
        frame.pts = clock + index
        container.mux(stream.encode(frame))


def _panned(shot: Shot, number: int) -> Iterator[tuple[int, np.ndarray]]:
    """(offset, image) of every frame: the picture drifts sideways, signs and titles stand still."""
    if not shot.scene.shapes:
        still = _draw(shot, WIDTH)
        yield from ((0, still) for _ in range(shot.num_frames))
        return
    wide = _draw(shot, WIDTH + 2 * _MARGIN)
    band = round(HEIGHT * (1 - BAND)) if shot.sign else HEIGHT
    written = _draw(shot, WIDTH)[band:]
    travel = min(2 * _MARGIN, round(_PAN_PIXELS_PER_SECOND * shot.num_frames / FPS))
    direction = 1 if number % 2 else -1
    for index in range(shot.num_frames):
        offset = _MARGIN + direction * round(travel * (index / shot.num_frames - 0.5))
        image = wide[:, offset : offset + WIDTH].copy()
        image[band:] = written
        yield offset, image


def _draw(shot: Shot, width: int) -> np.ndarray:
    return render_scene(
        shot.scene, width=width, height=HEIGHT, caption=shot.sign or None, title=shot.title or None, lines=shot.lines
    )


def _encode_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, shot: Shot, clock: int, number: int
) -> None:
    import av

    num_samples = shot.num_frames * SAMPLE_RATE // FPS
    sound = shot_sound(num_samples=num_samples, chapter=shot.chapter, speaks=bool(shot.speech), seed=number)
    frame = av.AudioFrame.from_ndarray(sound[None, :], format="fltp", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = clock * SAMPLE_RATE // FPS
    container.mux(stream.encode(frame))
