"""Antialiased masks of single shapes, drawn once and kept."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

from clamr_select.errors import unknown_name
from clamr_select.eval.needle.drawings import OTHER_BARS, draw_object
from clamr_select.eval.needle.scene import ALL_KINDS, KINDS, NUMBER

_OVERSAMPLING = 4
_MARGIN = 0.08  # of a shape's height on each side: room for corners when it is turned
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansMono-Bold")


@lru_cache(maxsize=256)
def load_font(name: str, *, size_pixels: int) -> ImageFont.FreeTypeFont:
    """One of the DejaVu fonts that matplotlib carries."""
    if name not in FONTS:
        raise unknown_name("font", name, FONTS)
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), size_pixels)


@lru_cache(maxsize=8000)
def shape_mask(
    kind: str, *, texture: str = "plain", size_pixels: int, angle_degrees: int = 0, number: int | None = None
) -> np.ndarray:
    """Coverage of a shape: (side, side, 1) uint8, 0..255, read-only; numbers of several digits are wider.

    ``size_pixels`` is the shape's height; the array is a margin larger on every side. Stripes and dots are cut
    out, so that the background shows. Angles are counter-clockwise.
    """
    if kind not in (*ALL_KINDS, NUMBER, OTHER_BARS):
        raise unknown_name("kind of shape", kind, (*ALL_KINDS, NUMBER))
    big = size_pixels * _OVERSAMPLING
    if kind == NUMBER:
        image = _number_image(number or 0, big)
    elif kind in KINDS:
        image = _textured_shape(kind, texture, big)
    else:
        image = draw_object(kind, side_pixels=big, number=number or 0)
    image = ImageOps.expand(image, border=_OVERSAMPLING * math.ceil(_MARGIN * size_pixels))
    if angle_degrees:
        image = image.rotate(angle_degrees, resample=Image.Resampling.BILINEAR)
    mask = np.asarray(image.reduce(_OVERSAMPLING), dtype=np.uint8)[:, :, None]
    mask.setflags(write=False)
    return mask


def _silhouette(kind: str, big: int) -> Image.Image:
    image = Image.new("L", (big, big), 0)
    draw = ImageDraw.Draw(image)
    if kind in ("circle", "ring"):
        draw.ellipse(_box(big, 1.0), fill=255)
        if kind == "ring":
            draw.ellipse(_box(big, 0.55), fill=0)
    else:
        draw.polygon(_corners(kind, big), fill=255)
    return image


def _rim(kind: str, big: int, thickness: float) -> Image.Image:
    """The shape's edge, as a line ``thickness`` (of the shape's height) wide on either side."""
    image = Image.new("L", (big, big), 0)
    draw = ImageDraw.Draw(image)
    width = round(thickness * big)
    if kind in ("circle", "ring"):
        draw.ellipse(_box(big, 1.0), outline=255, width=width)
        if kind == "ring":
            draw.ellipse(_box(big, 0.55 + 2 * thickness), outline=255, width=width)
    else:
        corners = _corners(kind, big)
        draw.line([*corners, *corners[:2]], fill=255, width=2 * width, joint="curve")
    return image


def _box(big: int, scale: float) -> tuple[float, float, float, float]:
    middle, radius = big / 2, scale * (big / 2 - _OVERSAMPLING)
    return middle - radius, middle - radius, middle + radius, middle + radius


def _corners(kind: str, big: int) -> list[tuple[float, float]]:
    middle, radius = big / 2, big / 2 - _OVERSAMPLING
    return [(middle + radius * x, middle + radius * y) for x, y in _outline(kind)]


@lru_cache(maxsize=16)
def _outline(kind: str) -> tuple[tuple[float, float], ...]:
    """Corners in a square from -1 to 1, y down, chosen to fill its height."""
    if kind == "square":
        return ((-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88))
    if kind == "triangle":
        return ((0, -0.95), (1, 0.85), (-1, 0.85))
    if kind == "diamond":
        return ((0, -1), (0.78, 0), (0, 1), (-0.78, 0))
    if kind == "cross":
        a, b = 0.34, 0.98
        return (
            (-a, -b),
            (a, -b),
            (a, -a),
            (b, -a),
            (b, a),
            (a, a),
            (a, b),
            (-a, b),
            (-a, a),
            (-b, a),
            (-b, -a),
            (-a, -a),
        )
    if kind == "arrow":
        return ((-1, -0.32), (0.05, -0.32), (0.05, -0.85), (1, 0), (0.05, 0.85), (0.05, 0.32), (-1, 0.32))
    if kind == "heart":
        turns = [2 * math.pi * i / 60 for i in range(60)]
        return tuple((math.sin(t) ** 3, -_heart_height(t) / 15.5 - 0.1) for t in turns)
    if kind == "hexagon":
        return tuple((math.cos(math.pi * i / 3), math.sin(math.pi * i / 3)) for i in range(6))
    radii = (1.0, 0.42)  # star
    corners = [(radii[i % 2], math.pi * (i / 5 - 0.5)) for i in range(10)]
    return tuple((r * math.cos(t), r * math.sin(t)) for r, t in corners)


def _heart_height(t: float) -> float:
    return 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)


def _textured_shape(kind: str, texture: str, big: int) -> Image.Image:
    body = _silhouette(kind, big)
    if texture == "plain":
        return body
    if texture == "outlined":
        return ImageChops.multiply(body, _rim(kind, big, 0.09))
    holes = Image.new("L", (big, big), 0)
    draw = ImageDraw.Draw(holes)
    step = big / 5
    if texture == "striped":
        for x in (step * (i + 0.25) for i in range(-5, 6)):
            draw.polygon([(x, 0), (x + step / 2, 0), (x + step / 2 + big / 2, big), (x + big / 2, big)], fill=255)
    else:
        for row in range(7):
            for column in range(7):
                x, y, radius = (column - 0.5 + 0.5 * (row % 2)) * step, (row - 0.5) * step, 0.29 * step
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    # a solid rim keeps the silhouette whole
    return ImageChops.multiply(body, ImageChops.lighter(ImageChops.invert(holes), _rim(kind, big, 0.045)))


def _number_image(number: int, big: int) -> Image.Image:
    font = load_font("DejaVuSans-Bold", size_pixels=int(big * 1.2))
    text = str(number)
    width = big + round(font.getlength(text) - font.getlength("0"))
    image = Image.new("L", (width, big), 0)
    ImageDraw.Draw(image).text((width / 2, big / 2), text, font=font, fill=255, anchor="mm")
    return image
