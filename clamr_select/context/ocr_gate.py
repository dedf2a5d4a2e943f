"""Reads each frame's text without looking at all of it again.

For every frame, the cheapest step that can rule out a change decides:

1. no block of pixels changed since it was last looked at: the text is that of the frame before;
2. a detector at low resolution finds no text but the known lines, and each of these looks as it did when it was
   read, whatever moves behind it: the same. Things that it takes for text and that hold none may move about;
3. else text is found anew at full resolution, and only lines that changed are read.

After a cut, and at the latest after :data:`LOOK_AGAIN_AFTER` changed frames, text is found anew in any case: what is
too small for the low resolution is late, not lost, unless it comes and goes within a shot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clamr_select.context.frame_change import (
    LinePicture,
    Rectangle,
    changed_blocks,
    colours,
    is_cut,
    line_picture,
    moves_around,
    overlap,
    rectangle,
    take_blocks,
    touches,
)
from clamr_select.context.ocr import TextBox, in_reading_order
from clamr_select.context.timed_text import Corners

LOOK_AGAIN_AFTER = 8
"""Frames."""
_SAME_PLACE = 0.7
"""Overlap from which on a line that was found anew is the known one."""
_SAME_THING = 0.5
"""Overlap from which on what a glance takes for text is what was found before to hold none."""
_MARGIN_PIXELS = 6
"""Known lines reach so far: low resolution is not exact."""
_STEP_PIXELS = 2

Reading = Callable[[], TextBox | None]
"""Waits for a line that is being read."""
FrameText = Callable[[], list[TextBox]]
"""Waits for all lines of a frame, in reading order."""


class OcrSteps(Protocol):
    """How the gate has work done; what each gives depends on its arguments alone."""

    def glance(self, image: np.ndarray) -> list[Corners]: ...

    def find(self, image: np.ndarray) -> list[Corners]: ...

    def start_reading(self, image: np.ndarray, corners: Corners) -> Reading: ...


@dataclass(frozen=True)
class _KnownLine:
    place: Rectangle
    picture: LinePicture
    reading: Reading

    @property
    def holds_text(self) -> bool:
        """Waits until it is read."""
        return self.reading() is not None


@dataclass
class GateCounts:
    """What the frames of a video took."""

    frames: int = 0
    glances: int = 0
    """Frames that were looked at in low resolution."""
    searches: int = 0
    """Frames in which text was found at full resolution."""
    lines_read: int = 0


class OcrGate:
    """Fed the frames of one video in order; all of one size."""

    def __init__(self, steps: OcrSteps) -> None:
        self.counts = GateCounts()
        self._steps = steps
        self._reference: np.ndarray | None = None
        """Each block as it was when text was last looked for there."""
        self._known: list[_KnownLine] = []
        self._since_search = 0
        self._colours = np.zeros(0)
        """Of the last frame that changed."""

    def add(self, image: np.ndarray) -> FrameText:
        """The text of the next frame, some of which is still being read.

        Args:
            image: (height, width, 3) uint8 RGB; not kept by reference.
        """
        self.counts.frames += 1
        if self._reference is None or self._reference.shape != image.shape:
            self._reference, self._known, self._colours = image.copy(), [], colours(image)
            self._search(image, self._known)
            return self._text()
        changed = changed_blocks(image, self._reference)
        if changed.any():
            self._since_search += 1
            before, self._colours = self._colours, colours(image)
            same = [line for line in self._known if self._looks_as_read(line, image, changed)]
            is_gone = any(line.holds_text and line not in same for line in self._known)
            if is_gone or self._is_due(before) or self._has_more(image):
                self._search(image, same)
            take_blocks(image, self._reference, blocks=changed)
        return self._text()

    def _text(self) -> FrameText:
        readings = [line.reading for line in self._known]
        return lambda: in_reading_order(box for box in (reading() for reading in readings) if box is not None)

    def _looks_as_read(self, line: _KnownLine, image: np.ndarray, changed: np.ndarray) -> bool:
        if not touches(changed, line.place):
            return True
        return moves_around(changed, line.place) and line.picture.is_same(line_picture(image, line.place))

    def _is_due(self, colours_before: np.ndarray) -> bool:
        return self._since_search >= LOOK_AGAIN_AFTER or is_cut(colours_before, self._colours)

    def _has_more(self, image: np.ndarray) -> bool:
        """Whether a glance shows text beside the known lines."""
        self.counts.glances += 1
        height, width = image.shape[:2]
        empty = [line.place for line in self._known if not line.holds_text]
        for corners in self._steps.glance(image):
            place = rectangle(corners, height=height, width=width)
            if self._reaches_out(corners) and all(overlap(place, other) < _SAME_THING for other in empty):
                return True
        return False

    def _reaches_out(self, corners: Corners) -> bool:
        """Whether a line has more than half a letter outside the known ones that hold text, along its middle."""
        top_left, top_right, bottom_right, bottom_left = np.asarray(corners)
        start, end = (top_left + bottom_left) / 2, (top_right + bottom_right) / 2
        length, height = float(np.linalg.norm(end - start)), float(np.linalg.norm(bottom_left - top_left))
        points = np.linspace(start, end, max(2, round(length / _STEP_PIXELS)))
        inside = np.zeros(len(points), dtype=bool)
        for line in self._known:
            if not line.holds_text:
                continue
            left, top, right, bottom = line.place
            within = (points >= (left - _MARGIN_PIXELS, top)) & (points < (right + _MARGIN_PIXELS, bottom))
            inside |= within.all(axis=1)
        return length * float((~inside).mean()) > height / 2

    def _search(self, image: np.ndarray, same: list[_KnownLine]) -> None:
        """Find all text; what is among ``same`` is not read again."""
        self.counts.searches += 1
        self._since_search = 0
        height, width = image.shape[:2]
        found = []
        for corners in self._steps.find(image):
            place = rectangle(corners, height=height, width=width)
            known = next((line for line in same if overlap(line.place, place) >= _SAME_PLACE), None)
            if known is None:
                self.counts.lines_read += 1
                known = _KnownLine(place, line_picture(image, place), self._steps.start_reading(image, corners))
            found.append(known)
        self._known = found
