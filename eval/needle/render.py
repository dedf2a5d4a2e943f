"""Scenes as pictures. Geometry is relative, so that a layout is the same at every size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from clamr_select.errors import InputError
from clamr_select.eval.needle.drawings import OTHER_BARS
from clamr_select.eval.needle.masks import FONTS, load_font, shape_mask
from clamr_select.eval.needle.scene import BACKGROUND_COLOURS, COLOURS, NUMBER, Scene, Shape

BAND = 0.17  # height of the caption or title band, of the frame's height
_REFERENCE_HEIGHT = 360  # text is wrapped as at this height, whatever the frame's
_HEIGHTS = {"small": 0.345, "large": 0.58}
_TURNED = {"right": 0, "up": 90, "left": 180, "down": 270}  # degrees, counter-clockwise, of an arrow
_HEADINGS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_SPEED = 0.5  # frame heights a second
_TURN_DEGREES = 150  # a second


@dataclass(frozen=True)
class _Region:
    """The part of the frame that shapes may fill, in pixels."""

    width: float
    top: float
    height: float


def render_scene(
    scene: Scene,
    *,
    width: int,
    height: int,
    caption: str | None = None,
    title: str | None = None,
    lines: Sequence[str] = (),
    phase: float = 0.0,
) -> np.ndarray:
    """The scene as (height, width, 3) uint8 RGB.

    ``title`` is written on top and ``caption`` in a band at the bottom; shapes keep clear of both. ``lines``
    fill the middle of the frame (a slide). ``phase`` is how many seconds things have moved. The same arguments
    give the same bytes.
    """
    if min(width, height) < 32:
        raise InputError(f"frames are at least 32 pixels wide and high, got {width}x{height}")
    jitter = np.random.default_rng(scene.seed)
    image = _background(scene.background.colour, scene.background.style, width, height, scene.seed % 4).copy()
    top = BAND * height if title else 0.0
    bottom = height - (BAND * height if caption else 0.0)
    region = _Region(width, top, bottom - top)
    for shape in scene.shapes:
        _draw_shape(image, shape, region, jitter, phase, alone=len(scene.shapes) == 1, row=_is_row(scene))
    if not (caption or title or lines):
        return image
    return _write(image, scene, caption, title, lines, region)


def _is_row(scene: Scene) -> bool:
    return len(scene.shapes) == 3


def _draw_shape(
    image: np.ndarray,
    shape: Shape,
    region: _Region,
    jitter: np.random.Generator,
    phase: float,
    *,
    alone: bool,
    row: bool,
) -> None:
    height = image.shape[0]
    slot_width, slot_height = _slot(shape, region, alone=alone, row=row)
    if shape.kind == NUMBER:
        slot_width /= 0.33 + 0.83 * len(str(shape.number))  # the width of its digits and margins
    side = min(_HEIGHTS[shape.size] * height * (0.95 + 0.02 * int(jitter.integers(6))), slot_width, slot_height)
    angle = 4 * int(jitter.integers(-2, 3)) + _TURNED.get(shape.direction or "right", 0)
    tint = jitter.integers(-10, 11, size=3)
    x_move = y_move = 0.0
    if shape.motion is not None and phase:
        x_move, y_move = (phase * _SPEED * height * c for c in _HEADINGS.get(shape.motion, (0, 0)))
        side *= _growth(shape, phase)
        angle += round(_TURN_DEGREES * phase) if shape.motion == "spins" else 0
    centres = [
        (x + x_move + shift[0], y + y_move + shift[1])
        for x, y in _centres(shape, region, row=row)
        for shift in ((jitter.random(2) - 0.5) * 0.04 * height,)
    ]
    parts = [(shape.kind, shape.colour)]
    if shape.accent is not None:
        parts.append((OTHER_BARS, shape.accent))
    for kind, name in parts:
        colour = np.clip(np.add(COLOURS[name], tint), 0, 255).astype(np.int32)
        mask = shape_mask(
            kind, texture=shape.texture, size_pixels=round(side), angle_degrees=angle, number=shape.number
        )
        for x, y in centres:
            _blend(image, mask, colour, x, y)


def _growth(shape: Shape, phase: float) -> float:
    return {"grows": 1 + 0.9 * phase, "shrinks": 1 - 0.9 * phase}.get(shape.motion or "", 1.0)


def _slot(shape: Shape, region: _Region, *, alone: bool, row: bool) -> tuple[float, float]:
    """The largest width and height a shape may take."""
    if shape.count > 1:
        columns, rows = _grid(shape.count, region)
        return 0.95 * region.width / columns, 0.95 * region.height / rows
    columns = 3 if row else 1 if alone or shape.place in ("top", "bottom", "centre") else 2
    rows = 2 if shape.place in ("top", "bottom") else 1
    return 0.96 * region.width / columns, 0.96 * region.height / rows


def _grid(count: int, region: _Region) -> tuple[int, int]:
    """Columns and rows; five and six things share a grid of six cells."""
    if count == 4:
        return 2, 2
    across, down = (count, 1) if count < 4 else (3, 2)
    return (across, down) if region.width >= region.height else (down, across)


def _centres(shape: Shape, region: _Region, *, row: bool) -> list[tuple[float, float]]:
    if shape.count > 1:
        columns, rows = _grid(shape.count, region)
        cells = [((c + 0.5) / columns, (r + 0.5) / rows) for r in range(rows) for c in range(columns)][: shape.count]
    else:
        side = 1 / 6 if row else 1 / 4
        cells = [
            {
                "left": (side, 0.5),
                "right": (1 - side, 0.5),
                "top": (0.5, 0.25),
                "bottom": (0.5, 0.75),
                "centre": (0.5, 0.5),
            }[shape.place or "centre"]
        ]
    return [(x * region.width, region.top + y * region.height) for x, y in cells]


def _blend(image: np.ndarray, mask: np.ndarray, colour: np.ndarray, x: float, y: float) -> None:
    """Lay ``colour`` over the image where the mask, centred on (x, y), says; what sticks out is cut."""
    height, width = image.shape[:2]
    down, across = mask.shape[:2]
    left = min(max(round(x - across / 2), 0), max(width - across, 0))
    top = min(max(round(y - down / 2), 0), max(height - down, 0))
    patch = image[top : top + down, left : left + across]
    cover = mask[: patch.shape[0], : patch.shape[1]].astype(np.int32)
    patch[:] = (patch * (255 - cover) + colour * cover + 127) // 255


@lru_cache(maxsize=512)
def _background(colour: str, style: str, width: int, height: int, variant: int) -> np.ndarray:
    rng = np.random.default_rng(variant)
    base = np.asarray(BACKGROUND_COLOURS[colour], dtype=np.float32)
    shade = np.zeros((height, width), dtype=np.float32)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    if style == "gradient":
        shade = shade + (across if variant % 2 else down) * (18 if variant < 2 else -18)
    elif style == "two-tone":
        shade = shade + np.where((across if variant % 2 else down) > 0, 13, -13)
    elif style == "noise":
        grain = rng.normal(0, 9, size=(36, 64)).astype(np.float32)  # coarse, the same at every size
        shade = np.asarray(Image.fromarray(grain).resize((width, height), Image.Resampling.BICUBIC))
    image = np.clip(base + shade[:, :, None], 0, 255).astype(np.uint8)
    image.setflags(write=False)
    return image


def _write(
    image: np.ndarray,
    scene: Scene,
    caption: str | None,
    title: str | None,
    lines: Sequence[str],
    region: _Region,
) -> np.ndarray:
    height, width = image.shape[:2]
    light = sum(BACKGROUND_COLOURS[scene.background.colour]) > 380
    ink = (20, 20, 24) if light else (245, 245, 240)
    font = FONTS[scene.seed % len(FONTS)]
    picture = Image.fromarray(image)
    if title:
        _write_block(picture, [title], font="DejaVuSans-Bold", ink=ink, top=0, room=BAND * height, scale=0.085)
    if caption:
        band = (0, round(height * (1 - BAND)), width, height)
        picture.paste((16, 16, 20), band)
        _write_block(picture, [caption], font=font, ink=(250, 250, 245), top=band[1], room=BAND * height, scale=0.085)
    if lines:
        scale = 0.13 if len(lines) == 1 else 0.075
        _write_block(picture, lines, font=font, ink=ink, top=region.top, room=0.94 * region.height, scale=scale)
    return np.asarray(picture)


def _write_block(
    picture: Image.Image,
    paragraphs: Sequence[str],
    *,
    font: str,
    ink: tuple[int, int, int],
    top: float,
    room: float,
    scale: float,
) -> None:
    """Centred lines, as large as ``scale`` (of the frame's height) and the room allow."""
    width, height = picture.size
    aspect = round(width / height, 2)
    rows, size = _fit(tuple(paragraphs), font, aspect, round(scale, 3), round(room / height, 2))
    pixels = max(4, round(size * height))
    draw = ImageDraw.Draw(picture)
    face = load_font(font, size_pixels=pixels)
    step = 1.22 * size * height
    y = top + room / 2 - step * (len(rows) - 1) / 2
    for row in rows:
        draw.text((width / 2, y), row, font=face, fill=ink, anchor="mm")
        y += step


@lru_cache(maxsize=4096)
def _fit(paragraphs: tuple[str, ...], font: str, aspect: float, scale: float, room: float) -> tuple[list[str], float]:
    """Wrapped rows and their size, both for the reference height, so that all sizes break lines alike."""
    size = scale
    while True:
        face = load_font(font, size_pixels=max(4, round(size * _REFERENCE_HEIGHT)))
        rows = [row for p in paragraphs for row in _wrap(p, face, 0.95 * aspect * _REFERENCE_HEIGHT)]
        if 1.22 * size * len(rows) <= room or size < 0.02:
            return rows, size
        size *= 0.85


def _wrap(text: str, face: object, limit: float) -> list[str]:
    rows: list[str] = []
    row = ""
    for word in text.split():
        longer = f"{row} {word}".strip()
        if row and face.getlength(longer) > limit:  # type: ignore[attr-defined]
            rows.append(row)
            row = word
        else:
            row = longer
    return [*rows, row]
