"""The same things laid out otherwise: nothing but place, count and size changes, and questions tell them apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from clamr_select.eval.needle.batches import training_batches
from clamr_select.eval.needle.combinations import is_allowed
from clamr_select.eval.needle.families import NearMissShares
from clamr_select.eval.needle.layouts import other_layout
from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.scene import Scene, Shape, is_valid, slide_scene


def look(shape: Shape) -> Shape:
    """What of a shape no layout changes."""
    return replace(shape, place=None, count=1, size="small")


@pytest.mark.parametrize("portrait", [False, True])
@pytest.mark.parametrize("split", ["train", "test"])
def test_things_stay_what_they_are(portrait, split):
    rng = np.random.default_rng(2)
    changes: Counter[str] = Counter()
    for _ in range(400):
        scene = draw_scene(rng, split=split, portrait=portrait)
        other = other_layout(scene, rng, split=split, portrait=portrait)
        if other is None:
            changes["none"] += 1
            continue
        assert is_valid(other)
        assert is_allowed(other, split)
        assert other.background == scene.background
        assert other.shapes != scene.shapes
        assert {look(shape) for shape in other.shapes} <= {look(shape) for shape in scene.shapes}
        for shape in other.shapes:
            assert (shape.count > 1) == (shape.place is None)
            assert shape.size == "small" or shape.place in ("left", "right", "centre")
            assert not portrait or shape.place not in ("left", "right") or shape.place == scene.shapes[0].place
        if len(other.shapes) < len(scene.shapes):
            changes["fewer shapes"] += 1
        elif other.shapes[0].count != scene.shapes[0].count:
            changes["count"] += 1
        elif [s.place for s in other.shapes] != [s.place for s in scene.shapes]:
            changes["place"] += 1
        else:
            changes["size"] += 1
    assert changes["none"] < 20
    assert min(changes[name] for name in ("fewer shapes", "count", "place", "size")) >= 10, changes


def test_a_slide_has_no_other_layout():
    rng = np.random.default_rng(0)
    assert other_layout(slide_scene(rng), rng, split="train") is None


def test_two_side_by_side_are_turned_one_above_the_other():
    rng = np.random.default_rng(0)
    scene = Scene((Shape("star", "red", "large", place="left"), Shape("fish", "blue", "small", place="right")))
    found = {
        tuple(s.place for s in other.shapes) for _ in range(60) if (other := other_layout(scene, rng, split="train"))
    }
    assert {("top", "bottom"), ("bottom", "top")} <= found
    assert {(place,) for place in ("left", "right", "top", "bottom", "centre")} <= found


def test_batches_without_a_share_are_what_they_were():
    def batch(**options):
        return next(training_batches(seed=4, num_documents=8, vision_only_share=1.0, noise="clean", **options))

    assert batch().queries == batch(near_misses=NearMissShares()).queries
    assert batch().queries != batch(near_misses=NearMissShares(layout=1.0)).queries
