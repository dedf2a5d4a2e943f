"""Simple objects and bar charts, drawn from polygons and ellipses."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from clamr_select.eval.needle.scene import BAR_CHART

OTHER_BARS = "other bars"
"""The bars of a bar chart that are not the tallest."""
_NUM_BARS = 4
_LOW_BARS = (0.5, 0.34, 0.56, 0.42)

Part = tuple[str, tuple[float, ...], int]
"""(``polygon`` or ``ellipse``, coordinates in a square from -1 to 1 with y down, 255 to fill or 0 to cut out)."""


def _polygon(*points: float, fill: int = 255) -> Part:
    return "polygon", points, fill


def _ellipse(x: float, y: float, across: float, down: float, fill: int = 255) -> Part:
    return "ellipse", (x - across, y - down, x + across, y + down), fill


def _box(left: float, top: float, right: float, bottom: float, fill: int = 255) -> Part:
    return "polygon", (left, top, right, top, right, bottom, left, bottom), fill


def _petals() -> tuple[Part, ...]:
    turns = [2 * math.pi * i / 6 for i in range(6)]
    return tuple(_ellipse(0.44 * math.sin(t), -0.36 - 0.44 * math.cos(t), 0.25, 0.25) for t in turns)


_OBJECTS: dict[str, tuple[Part, ...]] = {
    "house": (
        _polygon(0, -0.98, 1, -0.1, -1, -0.1),
        _box(-0.75, -0.1, 0.75, 0.95),
        _box(-0.2, 0.3, 0.2, 0.95, 0),
        _box(0.38, 0.12, 0.62, 0.4, 0),
        _box(-0.62, 0.12, -0.38, 0.4, 0),
    ),
    "tree": (
        _box(-0.14, 0.3, 0.14, 0.98),
        _ellipse(-0.42, -0.05, 0.46, 0.42),
        _ellipse(0.42, -0.05, 0.46, 0.42),
        _ellipse(0, -0.5, 0.52, 0.48),
    ),
    "car": (
        _polygon(-0.98, 0.4, -0.98, 0.02, -0.6, -0.08, -0.38, -0.56, 0.36, -0.56, 0.66, -0.08, 0.98, 0.06, 0.98, 0.4),
        _polygon(-0.46, -0.08, -0.3, -0.42, -0.06, -0.42, -0.06, -0.08, fill=0),
        _polygon(0.08, -0.08, 0.08, -0.42, 0.29, -0.42, 0.5, -0.08, fill=0),
        _ellipse(-0.52, 0.42, 0.32, 0.32, 0),
        _ellipse(0.52, 0.42, 0.32, 0.32, 0),
        _ellipse(-0.52, 0.42, 0.24, 0.24),
        _ellipse(0.52, 0.42, 0.24, 0.24),
    ),
    "fish": (
        _ellipse(-0.25, 0, 0.75, 0.5),
        _polygon(0.3, 0, 0.98, -0.55, 0.82, 0, 0.98, 0.55),
        _polygon(-0.4, -0.4, 0.05, -0.78, 0.12, -0.36),
        _ellipse(-0.62, -0.1, 0.12, 0.12, 0),
    ),
    "boat": (
        _polygon(-1, 0.38, 1, 0.38, 0.6, 0.92, -0.6, 0.92),
        _box(-0.1, -0.98, 0.02, 0.38),
        _polygon(0.1, -0.92, 0.1, 0.22, 0.86, 0.22),
        _polygon(-0.2, -0.6, -0.2, 0.22, -0.74, 0.22),
    ),
    "cup": (
        _ellipse(0.55, -0.08, 0.42, 0.42),
        _ellipse(0.55, -0.08, 0.23, 0.23, 0),
        _polygon(-0.85, -0.65, 0.52, -0.65, 0.4, 0.6, -0.73, 0.6),
        _box(-0.95, 0.72, 0.65, 0.9),
    ),
    "flower": (
        _box(-0.07, 0.1, 0.07, 0.98),
        _polygon(0.05, 0.75, 0.6, 0.3, 0.45, 0.75, 0.05, 0.92),
        *_petals(),
        _ellipse(0, -0.36, 0.2, 0.2, 0),
    ),
    "key": (
        _ellipse(-0.52, 0, 0.46, 0.46),
        _ellipse(-0.52, 0, 0.22, 0.22, 0),
        _box(-0.1, -0.13, 0.98, 0.13),
        _box(0.42, 0.1, 0.6, 0.46),
        _box(0.78, 0.1, 0.98, 0.52),
    ),
}


def draw_object(kind: str, *, side_pixels: int, number: int = 0) -> Image.Image:
    """An object, a chart, or the low bars of a bar chart whose bar ``number`` (0 to 3) is the tallest: mode L."""
    image = Image.new("L", (side_pixels, side_pixels), 0)
    draw = ImageDraw.Draw(image)
    middle = side_pixels / 2
    for form, coordinates, fill in _OBJECTS.get(kind) or _bars(kind, number):
        points = [middle + middle * 0.97 * c for c in coordinates]
        if form == "ellipse":
            draw.ellipse(points, fill=fill)
        else:
            draw.polygon(points, fill=fill)
    return image


def _bars(kind: str, tallest: int) -> tuple[Part, ...]:
    heights: list[float]
    if kind in (BAR_CHART, OTHER_BARS):
        low = [0.0 if i == tallest else _LOW_BARS[(i + tallest) % _NUM_BARS] for i in range(_NUM_BARS)]
        heights = low if kind == OTHER_BARS else [float(i == tallest) for i in range(_NUM_BARS)]
    else:
        heights = [0.28, 0.52, 0.76, 1.0]
        if kind == "falling chart":
            heights.reverse()
    step = 2 / _NUM_BARS
    parts = [
        _box(-1 + step * i + 0.05, 0.98 - 1.96 * h, -1 + step * (i + 1) - 0.05, 0.98)
        for i, h in enumerate(heights)
        if h > 0
    ]
    return tuple(parts)
