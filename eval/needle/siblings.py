"""Near misses: the same scene with one thing changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clamr_select.eval.needle.scene import (
    BACKGROUND_COLOURS,
    COLOURS,
    KINDS,
    NUMBER,
    TEXTURES,
    Scene,
    Shape,
    is_valid,
    places_of_single,
)
from clamr_select.eval.needle.vocabulary import pick


def sibling_scene(scene: Scene, rng: np.random.Generator, *, kind_share: float = 0.6, portrait: bool = False) -> Scene:
    """``scene`` with one attribute of one shape changed, or two shapes' places or colours exchanged.

    ``kind_share`` of the changes are to a shape's kind, the attribute a small model learns last.
    """
    while True:
        index = int(rng.random() * len(scene.shapes))
        if rng.random() < kind_share:
            changed = _with_shape(scene, index, _other_kind(scene.shapes[index], rng))
        else:
            changed = _change_other(scene, index, rng, portrait=portrait)
        if changed.shapes != scene.shapes or changed.background != scene.background:
            changed = replace(changed, seed=int(rng.integers(1 << 30)))
            if is_valid(changed):
                return changed


def _change_other(scene: Scene, index: int, rng: np.random.Generator, *, portrait: bool) -> Scene:
    shape = scene.shapes[index]
    changes = ["colour", "texture", "background"]
    if len(scene.shapes) == 1:
        changes.append("count" if shape.count > 1 else "place")
    else:
        changes += ["swap places", "swap colours", "swap places", "swap colours"]
    if shape.place in ("left", "right", "centre") and len(scene.shapes) < 3:
        changes.append("size")
    match pick(rng, changes):
        case "colour":
            return _with_shape(scene, index, replace(shape, colour=pick(rng, tuple(COLOURS))))
        case "texture":
            return _with_shape(scene, index, replace(shape, texture=pick(rng, TEXTURES)))
        case "background":
            colour = pick(rng, tuple(BACKGROUND_COLOURS))
            return replace(scene, background=replace(scene.background, colour=colour))
        case "count":
            return _with_shape(scene, index, replace(shape, count=2 + int(rng.random() * 3)))
        case "place":
            place = pick(rng, places_of_single(portrait=portrait))
            size = "small" if place in ("top", "bottom") else shape.size
            return _with_shape(scene, index, replace(shape, place=place, size=size))
        case "size":
            return _with_shape(scene, index, replace(shape, size="small" if shape.size == "large" else "large"))
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
    if shape.kind == NUMBER:
        return replace(shape, number=int(rng.integers(10)))
    return replace(shape, kind=pick(rng, KINDS))


def _with_shape(scene: Scene, index: int, shape: Shape) -> Scene:
    return replace(scene, shapes=(*scene.shapes[:index], shape, *scene.shapes[index + 1 :]))
