"""Scenes of all kinds: shapes, objects, charts, numbers, arrows with a direction, things that move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clamr_select.eval.needle.combinations import held_out_colours, held_out_textures, is_allowed
from clamr_select.eval.needle.scene import (
    BAR_CHART,
    CHARTS,
    COLOURS,
    DIRECTIONS,
    KINDS,
    MOTIONS,
    NUMBER,
    OBJECTS,
    TEXTURES,
    Place,
    Scene,
    Shape,
    Size,
    is_valid,
    random_background,
    random_places,
)
from clamr_select.eval.needle.vocabulary import Split, pick

MAX_COUNT = 6
MOVING_SHARE = 0.35
_HELD_OUT_SHARE = 0.5


def draw_scene(
    rng: np.random.Generator,
    *,
    split: Split,
    portrait: bool = False,
    moving: bool = False,
    moving_share: float = MOVING_SHARE,
) -> Scene:
    """One, two or three things, or two to six equal ones, in combinations that ``split`` may show.

    Outside of training every second thing shows a combination that training does not. ``moving``: so large a
    share of the things moves, which only a document with neighbouring frames can show.
    """
    share = moving_share if moving else 0.0
    while True:
        places = random_places(rng, portrait=portrait)
        background = random_background(rng)
        shapes = tuple(_draw_shape(rng, place, split, len(places), portrait, share) for place in places)
        scene = Scene(shapes, background, int(rng.integers(1 << 30)))
        if is_valid(scene) and is_allowed(scene, split):
            return scene


def random_number(rng: np.random.Generator, *, digits: int) -> int:
    """A number of so many digits, the first of them not 0."""
    low = 10 ** (digits - 1) if digits > 1 else 0
    return low + int(rng.random() * (10**digits - low))


def random_count(rng: np.random.Generator) -> int:
    """How many equal ones, 2 to ``MAX_COUNT``."""
    return 2 + int(rng.random() * (MAX_COUNT - 1))


def _draw_shape(
    rng: np.random.Generator, place: Place | None, split: Split, num_places: int, portrait: bool, moving_share: float
) -> Shape:
    narrow = num_places == 3 or place in ("top", "bottom", None)
    size: Size = "small" if narrow or rng.random() < 0.4 else "large"
    colour = pick(rng, tuple(COLOURS))
    draw = float(rng.random())
    if draw < 0.12 and place is not None:
        most = 1 if num_places == 3 else 2 if portrait or size == "small" else 3
        digits = min(most, pick(rng, (1, 1, 2, 2, 2, 3)))
        shape = Shape(NUMBER, colour, size, "plain", place, number=random_number(rng, digits=digits))
    else:
        kind = pick(rng, CHARTS) if draw < 0.19 and place is not None else pick(rng, OBJECTS if draw < 0.4 else KINDS)
        texture = "plain" if rng.random() < 0.45 else pick(rng, TEXTURES[1:])
        count = random_count(rng) if place is None else 1
        if split != "train" and rng.random() < _HELD_OUT_SHARE:
            colour, texture, kind = _held_out(rng, colour, texture, split)
            count = 1 if kind in CHARTS else count
            place = place or ("centre" if kind in CHARTS else None)
        shape = with_kind(Shape("circle", colour, size, texture, place, count), kind, rng)
    if moving_share and rng.random() < moving_share:
        shape = replace(shape, motion=pick(rng, MOTIONS))
    return shape


def _held_out(rng: np.random.Generator, colour: str, texture: str, split: Split) -> tuple[str, str, str]:
    if rng.random() < 0.75:
        colour, kind = pick(rng, held_out_colours(split))
    else:
        texture, kind = pick(rng, held_out_textures(split))
    return colour, texture, kind


def with_kind(shape: Shape, kind: str, rng: np.random.Generator) -> Shape:
    """The shape as another kind, with what this kind needs and without what it cannot have."""
    direction = pick(rng, DIRECTIONS) if kind == "arrow" else None
    texture = shape.texture if kind in KINDS else "plain"
    if kind != BAR_CHART:
        return replace(shape, kind=kind, texture=texture, direction=direction, accent=None, number=None)
    accent = shape.accent or pick(rng, tuple(COLOURS))
    tallest = int(rng.random() * 4) if shape.kind != BAR_CHART else shape.number
    return replace(shape, kind=kind, texture=texture, direction=None, accent=accent, number=tallest, count=1)
