"""On-screen text of a video from its candidate frames, each line once with the time it is seen."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

import numpy as np

from clamr_select.context.ocr import OcrEngine, TextBox
from clamr_select.context.timed_text import ContextTrack, Corners, TimedText
from clamr_select.errors import InputError


@dataclass
class _VisibleLine:
    """A line that the last candidate showed."""

    start_seconds: float
    end_seconds: float
    position: int
    """Place in the reading order of the candidate that showed it first."""
    text: str
    confidence: float
    box: Corners
    """Of that reading, as fractions of the frame."""


class OcrTracker:
    """Fed one candidate frame at a time, in order; tells which line was seen from when to when.

    Every line is followed on its own: a headline that stays while the ticker below it changes is one
    :class:`TimedText`. Readings that differ in case and spacing alone are the same line; the most confident
    is kept. A line that a candidate does not show ends, and starts anew when it comes back. The same line
    twice in one frame counts once.

    Times are observations at points: ``start_seconds`` is the timestamp of the first candidate that shows
    the line and ``end_seconds`` that of the last, so a line seen once has both equal. What is shown between
    two candidates is not known; who wants intervals lets a candidate stand until the next one.

    Memory is the lines found. The engine is asked for every candidate: :class:`OcrReadAhead` is one that does not
    read anew what stays.
    """

    def __init__(self, engine: OcrEngine) -> None:
        self._engine = engine
        self._timestamp_seconds = -math.inf
        self._visible: dict[str, _VisibleLine] = {}
        self._ended: list[_VisibleLine] = []
        self._finished = False

    def add(self, image: np.ndarray, timestamp_seconds: float) -> tuple[str, ...]:
        """Read the next candidate.

        Args:
            image: (height, width, 3) uint8 RGB.
            timestamp_seconds: Its timestamp, later than that of the candidate before.

        Returns:
            The lines that it shows, in reading order, each as the most confident reading so far.

        Raises:
            InputError: not an image, not later, or after :meth:`finish`.
            OcrError: the engine failed.
        """
        if self._finished:
            raise InputError("this OcrTracker is finished; make a new one for another video")
        if not (math.isfinite(timestamp_seconds) and timestamp_seconds > self._timestamp_seconds):
            before = self._timestamp_seconds
            raise InputError(f"candidates must come in time order, got {timestamp_seconds} s after {before} s")
        boxes = self._engine.read(image)
        self._timestamp_seconds = timestamp_seconds
        self._follow(boxes, height=image.shape[0], width=image.shape[1])
        return tuple(line.text for line in self._visible.values())

    def finish(self) -> ContextTrack:
        """The track: lines by start, those that start together in reading order."""
        self._finished = True
        found = [*self._ended, *self._visible.values()]
        found.sort(key=lambda line: (line.start_seconds, line.position))
        lines = tuple(
            TimedText(line.start_seconds, line.end_seconds, line.text, confidence=line.confidence, box=line.box)
            for line in found
        )
        return ContextTrack(modality="ocr", lines=lines, source=self._engine.name)

    def _follow(self, boxes: list[TextBox], *, height: int, width: int) -> None:
        before, self._visible = self._visible, {}
        for position, box in enumerate(boxes):
            key = line_key(box.text)
            line = self._visible.get(key) or before.pop(key, None)
            if line is None:
                now = self._timestamp_seconds
                line = _VisibleLine(now, now, position, box.text, box.confidence, _fractions(box.box, height, width))
            line.end_seconds = self._timestamp_seconds
            if box.confidence > line.confidence:
                line.text, line.confidence = box.text, box.confidence
                line.box = _fractions(box.box, height, width)
            self._visible[key] = line
        self._ended.extend(before.values())


def _fractions(corners: Corners, height: int, width: int) -> Corners:
    top_left, top_right, bottom_right, bottom_left = ((x / width, y / height) for x, y in corners)
    return top_left, top_right, bottom_right, bottom_left


def line_key(text: str) -> str:
    """What readings of the same line share: case and spacing, which readers confuse, are left out.

    Punctuation stays: a score of 1.5 that becomes 15 is another line.
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
