"""What a reader of on-screen text promises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from clamr_select.context.timed_text import Corners
from clamr_select.errors import InputError


@dataclass(frozen=True)
class TextBox:
    """One line of text in an image."""

    text: str
    """White space folded, never empty."""
    confidence: float
    """0..1, the recogniser's own."""
    box: Corners
    """In pixels of the image."""


class OcrEngine(Protocol):
    """Reads the text in an image."""

    name: str
    """Short and stable, e.g. ``rapidocr``: becomes the source of the track."""

    def read(self, image: np.ndarray) -> list[TextBox]:
        """Lines of text in reading order (:func:`in_reading_order`), none where there is no text.

        Args:
            image: (height, width, 3) uint8 RGB. It is read at the size it has: the caller decides how
                small text may be.

        Raises:
            InputError: not such an image.
            OcrError: the engine failed.
        """
        ...


@runtime_checkable
class StagedOcrEngine(OcrEngine, Protocol):
    """An engine that finds and reads in two steps, so that a line which stays is read once (:mod:`ocr_gate`)."""

    def glance(self, image: np.ndarray) -> list[Corners]:
        """Where text seems to be, at a fraction of the cost of :meth:`find`; small text may be missed."""
        ...

    def find(self, image: np.ndarray) -> list[Corners]:
        """Where lines of text are."""
        ...

    def read_line(self, image: np.ndarray, corners: Corners) -> TextBox | None:
        """The line at a place that :meth:`find` gave; None where there is no text, or none to be sure of.

        ``read`` is ``read_line`` at every place, in reading order.
        """
        ...


def check_image(image: np.ndarray) -> None:
    """Raises InputError unless (height, width, 3) uint8 and not empty."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        got = f"{image.shape} {image.dtype}"
        raise InputError(f"an image must be (height, width, 3) uint8 RGB and not empty, got {got}")


def in_reading_order(boxes: Iterable[TextBox]) -> list[TextBox]:
    """Top to bottom by rows, left to right within a row; columns of text are read across.

    A box belongs to a row when its middle is closer to the middle of the row's first box than half the
    height of the lower of the two.
    """
    rows: list[list[TextBox]] = []
    for box in sorted(boxes, key=lambda box: (_middle(box), _left(box))):
        if rows and _same_row(rows[-1][0], box):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=_left)]


def _same_row(first: TextBox, other: TextBox) -> bool:
    return abs(_middle(first) - _middle(other)) < min(_height(first), _height(other)) / 2


def _left(box: TextBox) -> float:
    return min(x for x, _ in box.box)


def _middle(box: TextBox) -> float:
    return sum(y for _, y in box.box) / 4


def _height(box: TextBox) -> float:
    return max(y for _, y in box.box) - min(y for _, y in box.box)
