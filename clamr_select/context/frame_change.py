"""What changed between two frames, where text is concerned: noise of compression has not, one digit has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from clamr_select.context.timed_text import Corners

BLOCK = 8
"""Pixels a side of what is compared: about one letter of small text."""
CHANGED_LEVELS = 8
"""Mean difference in a block, of 255, from which on it has changed. H.264 at crf 40 moves a still block by up to
5; another digit in the smallest text that is read, by 20 (docs/context.md)."""
_STRIP_HEIGHT, _STRIP_WIDTH = 16, 8
_SAME_CORRELATION = 0.93
"""Of each letter-wide strip of a line. In boxes over moving pictures, text that stays is above 0.97 at crf 35 and one
other digit brings a strip below 0.9; text without a box is not told apart, so it is read again."""
_INK_SHARE = 0.35
"""A strip with less contrast than this share of its line's holds no letter."""

_CUT_SHARE = 0.25
"""Of the pixels whose colour is another, from which on a picture is another one."""
_COLOURS_A_CHANNEL = 4

Rectangle = tuple[int, int, int, int]
"""left, top, right, bottom in pixels; right and bottom are outside."""


def changed_blocks(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(height / 8, width / 8) bool, rounded up, of two (height, width, 3) uint8 images of one size."""
    difference = np.maximum(image, reference) - np.minimum(image, reference)
    levels = np.asarray(Image.fromarray(difference).reduce(BLOCK))
    return levels.max(axis=2) > CHANGED_LEVELS


def take_blocks(image: np.ndarray, reference: np.ndarray, *, blocks: np.ndarray) -> None:
    """Write the blocks of ``image`` that are marked into ``reference``."""
    height, width = reference.shape[:2]
    mask = blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[:height, :width]
    reference[mask] = image[mask]


def colours(image: np.ndarray) -> np.ndarray:
    """(64,) shares of the pixels by coarse colour: movement hardly changes them, a cut does."""
    small = np.asarray(Image.fromarray(image).reduce(BLOCK), dtype=np.int64) * _COLOURS_A_CHANNEL // 256
    bins = (small[..., 0] * _COLOURS_A_CHANNEL + small[..., 1]) * _COLOURS_A_CHANNEL + small[..., 2]
    return np.bincount(bins.ravel(), minlength=_COLOURS_A_CHANNEL**3) / bins.size


def is_cut(colours_before: np.ndarray, colours_after: np.ndarray) -> bool:
    """Whether two pictures are of different shots, by :func:`colours`."""
    return float(np.abs(colours_before - colours_after).sum()) / 2 > _CUT_SHARE


def rectangle(corners: Corners, *, height: int, width: int) -> Rectangle:
    """The upright rectangle around a line, inside the image, at least a pixel a side."""
    xs, ys = zip(*corners, strict=True)
    left, top = min(max(0, int(min(xs))), width - 1), min(max(0, int(min(ys))), height - 1)
    right, bottom = min(width, int(max(xs)) + 1), min(height, int(max(ys)) + 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def touches(blocks: np.ndarray, place: Rectangle) -> bool:
    """Whether a marked block lies in the rectangle."""
    rows, columns = _blocks_of(place)
    return bool(blocks[rows, columns].any())


def moves_around(blocks: np.ndarray, place: Rectangle) -> bool:
    """Whether a block beside the rectangle is marked: then what changed inside may be the background alone."""
    rows, columns = _blocks_of(place)
    beside = blocks[max(0, rows.start - 1) : rows.stop + 1, max(0, columns.start - 1) : columns.stop + 1]
    return bool(beside.sum() > blocks[rows, columns].sum())


def _blocks_of(place: Rectangle) -> tuple[slice, slice]:
    left, top, right, bottom = place
    return slice(top // BLOCK, -(-bottom // BLOCK)), slice(left // BLOCK, -(-right // BLOCK))


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Intersection over union, 0..1."""
    shared = _area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    return shared / (_area(one) + _area(other) - shared)


def _area(place: Rectangle) -> int:
    return max(0, place[2] - place[0]) * max(0, place[3] - place[1])


@dataclass(frozen=True)
class LinePicture:
    """What a line looked like when it was read, strip by strip, to be known again over another background."""

    strips: np.ndarray
    """(num_strips, height, width) float32, each with mean 0."""
    inked: np.ndarray
    """(num_strips,) bool: strips that hold letters."""

    def is_same(self, other: LinePicture) -> bool:
        """Whether each strip with letters correlates with the other's, whatever moves behind them."""
        if self.strips.shape != other.strips.shape or not self.inked.any():
            return False
        both = self.inked | other.inked
        one, two = self.strips[both], other.strips[both]
        norms = np.sqrt((one * one).sum(axis=(1, 2)) * (two * two).sum(axis=(1, 2)))
        return bool(((one * two).sum(axis=(1, 2)) >= _SAME_CORRELATION * np.maximum(norms, 1e-6)).all())


def line_picture(image: np.ndarray, place: Rectangle) -> LinePicture:
    """Of a rectangle of an image."""
    left, top, right, bottom = place
    crop = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right])).convert("L")
    if crop.height > crop.width:  # a line that runs down
        crop = crop.transpose(Image.Transpose.ROTATE_90)
    num_strips = max(1, round(crop.width / crop.height * _STRIP_HEIGHT / _STRIP_WIDTH))
    small = np.asarray(crop.resize((num_strips * _STRIP_WIDTH, _STRIP_HEIGHT), Image.Resampling.BOX), np.float32)
    strips = small.reshape(_STRIP_HEIGHT, num_strips, _STRIP_WIDTH).transpose(1, 0, 2)
    strips = strips - strips.mean(axis=(1, 2), keepdims=True)
    contrast = strips.std(axis=(1, 2))
    return LinePicture(strips, contrast > _INK_SHARE * max(float(contrast.max()), 1e-6))
