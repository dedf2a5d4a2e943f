from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.scene import (
    NUMBER,
    Background,
    Scene,
    Shape,
    has_contrast,
    is_valid,
    random_scene,
)
from clamr_select.eval.needle.siblings import sibling_scene

ATTRIBUTES = (
    *("kind", "colour", "size", "texture", "place", "count"),
    *("number", "accent", "direction", "motion"),
)
KIND_ATTRIBUTES = {"kind", "number", "accent", "direction", "texture"}


@pytest.mark.parametrize("portrait", [False, True])
def test_random_scenes_are_valid_and_varied(portrait: bool) -> None:
    rng = np.random.default_rng(0)
    scenes = [random_scene(rng, portrait=portrait) for _ in range(500)]
    assert all(is_valid(scene) for scene in scenes)
    shapes = [shape for scene in scenes for shape in scene.shapes]
    assert len({s.kind for s in shapes}) == 11
    assert len({s.colour for s in shapes}) == 10
    assert {s.count for s in shapes} == {1, 2, 3, 4}
    places = {s.place for s in shapes}
    assert ("left" in places) is not portrait
    assert {len(scene.shapes) for scene in scenes} == ({1, 2} if portrait else {1, 2, 3})


def test_the_same_seed_gives_the_same_scene() -> None:
    assert random_scene(np.random.default_rng(5)) == random_scene(np.random.default_rng(5))


def test_invalid_scenes() -> None:
    circle = Shape("circle", "red")
    assert is_valid(Scene((circle,)))
    assert not is_valid(Scene((circle, replace(circle, place="left"))))  # alike
    assert not is_valid(Scene((replace(circle, texture="outlined"),)))  # looks like a ring
    assert not is_valid(Scene((Shape("star", "white"),), Background("white")))
    assert not is_valid(Scene((Shape(NUMBER, "red", texture="striped", number=3),)))
    assert has_contrast("yellow", "blue")
    assert not has_contrast("red", "red")


def test_siblings_differ_in_one_thing() -> None:
    rng = np.random.default_rng(1)
    kinds = 0
    for _ in range(600):
        scene = draw_scene(rng, split="train", moving=True)
        sibling = sibling_scene(scene, rng, split="train", moving=True)
        assert is_valid(sibling)
        assert len(sibling.shapes) == len(scene.shapes)
        changed = {
            name
            for old, new in zip(scene.shapes, sibling.shapes, strict=True)
            for name in ATTRIBUTES
            if getattr(old, name) != getattr(new, name)
        }
        changed |= {"background"} if scene.background != sibling.background else set()
        one = changed - {"size"} if "place" in changed else changed  # at the top and bottom shapes are small
        one = one & {"kind"} if "kind" in one else one  # an arrow's direction and a chart's bars come with the kind
        one = one & {"colour"} if "accent" in one else one  # exchanged with the other bars'
        assert len(one) == 1
        kinds += changed <= KIND_ATTRIBUTES
    assert 0.4 < kinds / 600 < 0.75
