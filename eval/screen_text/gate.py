"""The same frames read one by one, and with what stays read once: time, and whether any text is lost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from clamr_select.context.ocr_gate import GateCounts
from clamr_select.context.ocr_read_ahead import OcrReadAhead
from clamr_select.context.ocr_track import line_key
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.indexing.screen_text import OCR_DETECTION_SIDE, OCR_MAX_SIDE
from clamr_select.video import open_video
from clamr_select.video.candidates import DEFAULT_MAX_CANDIDATES, sample_candidates
from clamr_select.video.stream import decode_candidates

CHUNK = 64


@dataclass(frozen=True)
class Pass:
    """One reading of all frames by one engine."""

    cpu_seconds: float
    lines: list[frozenset[str]]
    """Of each frame, as :func:`line_key` compares them."""
    counts: GateCounts


def candidate_images(path: Path, *, candidate_fps: float, num_frames: int) -> list[np.ndarray]:
    """The first candidates at the size text is read at; all of them are held in memory."""
    with open_video(path) as reader:
        candidates = sample_candidates(
            reader.timestamps_seconds, candidate_fps=candidate_fps, max_candidates=DEFAULT_MAX_CANDIDATES
        )
        decoded = decode_candidates(reader, candidates, max_side=OCR_MAX_SIDE)
        return [frame.image for frame, _ in islice(decoded, num_frames)]


def read_all(images: list[np.ndarray], *, gated: bool) -> Pass:
    """With one engine, so that CPU seconds are comparable."""
    lines = []
    with OcrReadAhead([RapidOcr(max_side=OCR_DETECTION_SIDE)], gated=gated) as reader:
        started = time.process_time()
        for first in range(0, len(images), CHUNK):
            chunk = images[first : first + CHUNK]
            reader.announce(chunk)
            lines += [frozenset(line_key(box.text) for box in reader.read(image)) for image in chunk]
        return Pass(time.process_time() - started, lines, reader.counts)


def compare(path: Path, *, candidate_fps: float, num_frames: int) -> str:
    """A report of a few lines."""
    images = candidate_images(path, candidate_fps=candidate_fps, num_frames=num_frames)
    every, gated = read_all(images, gated=False), read_all(images, gated=True)
    shared = sum(len(a & b) for a, b in zip(every.lines, gated.lines, strict=True))
    num_every, num_gated = (sum(map(len, each.lines)) for each in (every, gated))
    lost = frozenset().union(*every.lines) - frozenset().union(*gated.lines)
    counts = gated.counts
    return (
        f"{path.name}: {len(images)} frames\n"
        f"  every frame {_speed(every)}, gated {_speed(gated)}: {every.cpu_seconds / gated.cpu_seconds:.1f} times\n"
        f"  glances {counts.glances}, searches {counts.searches}, lines read {counts.lines_read} of {num_every}\n"
        f"  of {num_every} lines in frames {shared} are read gated, which reads {num_gated - shared} others;"
        f" different lines lost: {len(lost)} of {len(frozenset().union(*every.lines))}"
        + (f" ({', '.join(sorted(lost)[:8])})" if lost else "")
    )


def _speed(each: Pass) -> str:
    return f"{len(each.lines) / each.cpu_seconds:.1f} frames a CPU second"
