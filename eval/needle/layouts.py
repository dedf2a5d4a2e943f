"""Near misses in where things stand, how many there are and how large: the same things laid out otherwise.

Of the questions that a model trained on :mod:`siblings` alone got wrong, half asked for a place, a count or a size: a
scene of two shapes has no sibling there but the two exchanged, and one shape none that is several.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clamr_select.eval.needle.combinations import is_allowed
from clamr_select.eval.needle.pictures import random_count
from clamr_select.eval.needle.scene import CHARTS, NUMBER, Place, Scene, Shape, is_valid, places_of_single
from clamr_select.eval.needle.siblings import SIDES, in_other_size, moved
from clamr_select.eval.needle.vocabulary import Split, pick


def other_layout(scene: Scene, rng: np.random.Generator, *, split: Split, portrait: bool = False) -> Scene | None:
    """One thing of the scene elsewhere and alone, or as several, or in the other size; of two, both turned from side by
    side to one above the other, or back.

    Returns:
        None where the scene has no such near miss: a slide, or one that another split holds out.
    """
    if not scene.shapes:
        return None
    for _ in range(8):
        shapes = _laid_out(scene.shapes, rng, portrait=portrait)
        changed = replace(scene, shapes=shapes, seed=int(rng.integers(1 << 30)))
        if shapes != scene.shapes and is_valid(changed) and is_allowed(changed, split):
            return changed
    return None


def _laid_out(shapes: tuple[Shape, ...], rng: np.random.Generator, *, portrait: bool) -> tuple[Shape, ...]:
    changes = ["alone", "alone", "several", "size"]
    if len(shapes) == 2:
        changes += ["turned", "turned"]
    index = int(rng.random() * len(shapes))
    shape = shapes[index]
    match pick(rng, changes):
        case "alone":
            return (moved(replace(shape, count=1), pick(rng, places_of_single(portrait=portrait))),)
        case "several" if shape.kind not in (*CHARTS, NUMBER):
            return (replace(shape, place=None, size="small", count=random_count(rng)),)
        case "size" if shape.place in SIDES and len(shapes) < 3:
            return (*shapes[:index], in_other_size(shape), *shapes[index + 1 :])
        case "turned" if not portrait:
            stacked = shapes[0].place in ("top", "bottom")
            first, second = (moved(s, p) for s, p in zip(shapes, _turned(rng, stacked=stacked), strict=True))
            return first, second
    return shapes


def _turned(rng: np.random.Generator, *, stacked: bool) -> tuple[Place, Place]:
    places: tuple[Place, Place] = ("left", "right") if stacked else ("top", "bottom")
    return places if rng.random() < 0.5 else (places[1], places[0])
