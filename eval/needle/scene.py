"""What a frame shows: shapes on a background, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from clamr_select.eval.needle.vocabulary import pick

Size = Literal["small", "large"]
Place = Literal["left", "right", "top", "bottom", "centre"]
Direction = Literal["left", "right", "up", "down"]
Motion = Literal["left", "right", "up", "down", "grows", "shrinks", "spins"]

KINDS = ("circle", "square", "triangle", "star", "cross", "diamond", "ring", "arrow", "heart", "hexagon")
OBJECTS = ("house", "tree", "car", "fish", "boat", "cup", "flower", "key")
BAR_CHART = "bar chart"
"""Bars of which one, in the shape's colour, is the tallest; the others have the colour ``accent``."""
CHARTS = ("rising chart", "falling chart", BAR_CHART)
ALL_KINDS = (*KINDS, *OBJECTS, *CHARTS)
NUMBER = "number"
"""The kind of a shape that is a number, written in digits."""
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (215, 35, 40),
    "orange": (245, 135, 20),
    "yellow": (250, 220, 40),
    "green": (40, 150, 60),
    "cyan": (60, 205, 220),
    "blue": (40, 80, 205),
    "purple": (125, 50, 165),
    "pink": (245, 130, 190),
    "white": (250, 250, 250),
    "black": (15, 15, 18),
}
BACKGROUND_COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (238, 238, 235),
    "black": (22, 22, 26),
    "grey": (128, 130, 134),
    "blue": (30, 45, 110),
    "green": (22, 78, 48),
    "red": (110, 25, 32),
    "yellow": (238, 225, 160),
    "purple": (66, 36, 96),
}
TEXTURES = ("plain", "striped", "dotted", "outlined")
BACKGROUND_STYLES = ("plain", "gradient", "noise", "two-tone")
DIRECTIONS: tuple[Direction, ...] = ("left", "right", "up", "down")
MOTIONS: tuple[Motion, ...] = ("left", "right", "up", "down", "grows", "shrinks", "spins")
_SPINNING = ("square", "triangle", "star", "cross", "diamond", "heart", "hexagon", *OBJECTS)  # seen to turn
RELATIONS = ("left of", "right of", "above", "below")
_MIN_CONTRAST = 120.0  # distance in RGB below which a shape is hard to see on its background


@dataclass(frozen=True)
class Shape:
    """One shape, or ``count`` equal ones. ``place`` is None when the shapes are spread over the frame."""

    kind: str
    colour: str
    size: Size = "large"
    texture: str = "plain"
    place: Place | None = "centre"
    count: int = 1
    number: int | None = None
    """Of a number, its value; of a bar chart, the position (0 to 3) of the tallest bar."""
    accent: str | None = None
    """Colour of a bar chart's other bars."""
    direction: Direction | None = None
    """Where an arrow points; None draws it to the right."""
    motion: Motion | None = None
    """What it does until the next source frame; None stands still."""

    def __hash__(self) -> int:
        """Of its fields, computed once: predicates look shapes up by the thousand."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, field) for field in self.__dataclass_fields__))


@dataclass(frozen=True)
class Background:
    """All styles keep to one hue, so that a background always has one colour name."""

    colour: str = "white"
    style: str = "plain"


@dataclass(frozen=True)
class Scene:
    """One to three shapes (none on a slide of text) and a background. ``seed`` moves things a little."""

    shapes: tuple[Shape, ...]
    background: Background = Background()
    seed: int = 0


def has_contrast(colour: str, background: str) -> bool:
    """Whether a shape of this colour is easy to see on this background."""
    if colour == background:
        return False
    difference = np.subtract(COLOURS[colour], BACKGROUND_COLOURS[background])
    return float(np.linalg.norm(difference)) >= _MIN_CONTRAST


def is_valid(scene: Scene) -> bool:
    """No two shapes alike in kind and colour, all visible, no texture or motion that could not be told."""
    looks = {(s.kind, s.colour, s.number if s.kind == NUMBER else None) for s in scene.shapes}
    return len(looks) == len(scene.shapes) and all(_is_visible(s, scene.background.colour) for s in scene.shapes)


def _is_visible(shape: Shape, background: str) -> bool:
    if not has_contrast(shape.colour, background):
        return False
    if shape.texture != "plain" and shape.kind not in KINDS:
        return False
    if shape.texture == "outlined" and shape.kind in ("circle", "ring"):  # an outlined circle looks like a ring
        return False
    if shape.accent is not None and (shape.accent == shape.colour or not has_contrast(shape.accent, background)):
        return False
    if shape.kind == NUMBER and shape.motion in ("left", "right"):  # the edges hold wide ones back
        return False
    return shape.motion != "spins" or shape.kind in _SPINNING


def random_scene(rng: np.random.Generator, *, portrait: bool = False) -> Scene:
    """A scene of one, two or three plain shapes or of two to four equal ones; one shape in eight is a digit.

    ``pictures.draw_scene`` knows more kinds, and keeps the splits apart.
    """
    while True:
        places = random_places(rng, portrait=portrait)
        shapes = tuple(_random_shape(rng, place, in_row=len(places) == 3) for place in places)
        scene = Scene(shapes, random_background(rng), int(rng.integers(1 << 30)))
        if is_valid(scene):
            return scene


def random_places(rng: np.random.Generator, *, portrait: bool) -> tuple[Place | None, ...]:
    """Where the shapes of a scene stand; (None,) for equal ones spread over the frame."""
    draw = float(rng.random())
    if draw < 0.3:
        return (pick(rng, places_of_single(portrait=portrait)),)
    if draw < 0.7:
        return ("top", "bottom") if portrait or rng.random() < 0.3 else ("left", "right")
    if draw < 0.83 and not portrait:
        return ("left", "centre", "right")
    return (None,)


def slide_scene(rng: np.random.Generator) -> Scene:
    """An empty scene, to write on."""
    return Scene((), random_background(rng), int(rng.integers(1 << 30)))


def places_of_single(*, portrait: bool) -> tuple[Place, ...]:
    """Where a lone shape may stand; a portrait frame is too narrow for sides."""
    return ("top", "centre", "bottom") if portrait else ("left", "right", "top", "bottom", "centre")


def _random_shape(rng: np.random.Generator, place: Place | None, *, in_row: bool) -> Shape:
    """One shape, or two to four equal ones where no place is given."""
    narrow = in_row or place in ("top", "bottom", None)
    size: Size = "small" if narrow or rng.random() < 0.4 else "large"
    colour = pick(rng, tuple(COLOURS))
    if place is not None and rng.random() < 0.12:
        return Shape(NUMBER, colour, size, "plain", place, number=int(rng.integers(10)))
    texture = "plain" if rng.random() < 0.45 else pick(rng, TEXTURES[1:])
    count = int(rng.integers(2, 5)) if place is None else 1
    return Shape(pick(rng, KINDS), colour, size, texture, place, count)


def random_background(rng: np.random.Generator) -> Background:
    """A colour in one of the styles."""
    style = "plain" if rng.random() < 0.4 else pick(rng, BACKGROUND_STYLES[1:])
    return Background(pick(rng, tuple(BACKGROUND_COLOURS)), style)
