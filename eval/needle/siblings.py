"""Near misses: the same scene with one thing changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clamr_select.eval.needle.combinations import is_allowed
from clamr_select.eval.needle.pictures import random_count, with_kind
from clamr_select.eval.needle.scene import (
    BACKGROUND_COLOURS,
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
    is_valid,
    places_of_single,
)
from clamr_select.eval.needle.vocabulary import Split, pick

SIDES: tuple[Place, ...] = ("left", "right", "centre")
"""Where a shape may be large."""


def sibling_scene(
    scene: Scene,
    rng: np.random.Generator,
    *,
    split: Split,
    kind_share: float = 0.5,
    portrait: bool = False,
    moving: bool = False,
) -> Scene:
    """``scene`` with one attribute of one shape changed, or two shapes' places or colours exchanged.

    ``kind_share`` of the changes are to a shape's kind (or number), the attribute a small model learns last.
    ``moving``: what it does may change too. No sibling shows a combination that another split holds out.
    """
    while True:
        index = int(rng.random() * len(scene.shapes))
        shape = scene.shapes[index]
        draw = float(rng.random())
        if draw < kind_share:
            changed = _with_shape(scene, index, _other_kind(shape, rng))
        elif moving and draw > 0.8:
            changed = _with_shape(scene, index, replace(shape, motion=pick(rng, (*MOTIONS, None))))
        else:
            changed = _change_other(scene, index, rng, portrait=portrait)
        if changed.shapes != scene.shapes or changed.background != scene.background:
            changed = replace(changed, seed=int(rng.integers(1 << 30)))
            if is_valid(changed) and is_allowed(changed, split):
                return changed


def moved(shape: Shape, place: Place) -> Shape:
    """The shape there, as large as fits."""
    return replace(shape, place=place, size=shape.size if place in SIDES else "small")


def in_other_size(shape: Shape) -> Shape:
    """Small for large, large for small; for a shape that stands at one of ``SIDES``."""
    return replace(shape, size="small" if shape.size == "large" else "large")


def _change_other(scene: Scene, index: int, rng: np.random.Generator, *, portrait: bool) -> Scene:
    shape = scene.shapes[index]
    changes = ["colour", "texture", "background"]
    if len(scene.shapes) == 1:
        changes.append("count" if shape.count > 1 else "place")
    else:
        changes += ["swap places", "swap colours", "swap places", "swap colours"]
    if shape.place in SIDES and len(scene.shapes) < 3:
        changes.append("size")
    if shape.direction is not None:
        changes += ["direction"] * 3
    if shape.accent is not None:
        changes += ["tallest bar"] * 3
    match pick(rng, changes):
        case "colour":
            return _with_shape(scene, index, replace(shape, colour=pick(rng, tuple(COLOURS))))
        case "texture":
            return _with_shape(scene, index, replace(shape, texture=pick(rng, TEXTURES)))
        case "background":
            colour = pick(rng, tuple(BACKGROUND_COLOURS))
            return replace(scene, background=replace(scene.background, colour=colour))
        case "count":
            return _with_shape(scene, index, replace(shape, count=random_count(rng)))
        case "direction":
            return _with_shape(scene, index, replace(shape, direction=pick(rng, DIRECTIONS)))
        case "tallest bar":  # the two colours change places
            return _with_shape(scene, index, replace(shape, colour=shape.accent or "", accent=shape.colour))
        case "place":
            return _with_shape(scene, index, moved(shape, pick(rng, places_of_single(portrait=portrait))))
        case "size":
            return _with_shape(scene, index, in_other_size(shape))
        case "swap places":
            return _exchange(scene, index, rng, "place")
        case _:
            return _exchange(scene, index, rng, "colour")


def _exchange(scene: Scene, index: int, rng: np.random.Generator, attribute: str) -> Scene:
    other = (index + 1 + int(rng.random() * (len(scene.shapes) - 1))) % len(scene.shapes)
    first, second = scene.shapes[index], scene.shapes[other]
    values = {attribute: getattr(second, attribute)}
    changed = _with_shape(scene, index, replace(first, **values))
    return _with_shape(changed, other, replace(second, **{attribute: getattr(first, attribute)}))


def _other_kind(shape: Shape, rng: np.random.Generator) -> Shape:
    """Another of its class; of a number, one digit changed."""
    if shape.kind == NUMBER:
        digits = list(str(shape.number))
        at = int(rng.random() * len(digits))
        digits[at] = pick(rng, "123456789" if at == 0 and len(digits) > 1 else "0123456789")
        return replace(shape, number=int("".join(digits)))
    group = next(kinds for kinds in (KINDS, OBJECTS, CHARTS) if shape.kind in kinds)
    return with_kind(shape, pick(rng, group), rng)


def _with_shape(scene: Scene, index: int, shape: Shape) -> Scene:
    return replace(scene, shapes=(*scene.shapes[:index], shape, *scene.shapes[index + 1 :]))
