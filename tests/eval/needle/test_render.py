from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.needle.masks import load_font, shape_mask
from clamr_select.eval.needle.render import render_scene
from clamr_select.eval.needle.scene import (
    COLOURS,
    KINDS,
    NUMBER,
    TEXTURES,
    Background,
    Scene,
    Shape,
    random_scene,
    slide_scene,
)


def coloured(image: np.ndarray, colour: str) -> np.ndarray:
    """Pixels near a colour: (height, width) bool."""
    return np.abs(image.astype(int) - COLOURS[colour]).max(axis=2) <= 14


@pytest.mark.parametrize("size", [(224, 126), (168, 126), (126, 126), (126, 224), (640, 360)])
def test_size_type_and_shape_height(size: tuple[int, int]) -> None:
    width, height = size
    for kind in KINDS:
        scene = Scene((Shape(kind, "red", place="centre", size="small"),))
        image = render_scene(scene, width=width, height=height)
        assert image.shape == (height, width, 3)
        assert image.dtype == np.uint8
        rows = np.flatnonzero(coloured(image, "red").any(axis=1))
        assert (rows[-1] - rows[0] + 1) / height >= 0.25  # the side of 0.345 less what some outlines leave


@pytest.mark.parametrize("place", ["left", "right", "top", "bottom", "centre"])
def test_shapes_stand_where_the_scene_says(place: str) -> None:
    scene = Scene((Shape("circle", "red", "small", place=place),), seed=4)  # type: ignore[arg-type]
    rows, columns = np.nonzero(coloured(render_scene(scene, width=224, height=126), "red"))
    x, y = columns.mean() / 224, rows.mean() / 126
    expected = {"left": (0.25, 0.5), "right": (0.75, 0.5), "top": (0.5, 0.25), "bottom": (0.5, 0.75)}
    assert (x, y) == pytest.approx(expected.get(place, (0.5, 0.5)), abs=0.05)


def test_every_shape_of_a_scene_is_visible() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100):
        scene = random_scene(rng)
        image = render_scene(scene, width=224, height=126, caption="some words here", title="A title")
        for shape in scene.shapes:
            if not any(o.colour != shape.colour and _near(o.colour, shape.colour) for o in scene.shapes):
                assert coloured(image, shape.colour).sum() > 60


def _near(one: str, other: str) -> bool:
    return bool(np.abs(np.subtract(COLOURS[one], COLOURS[other])).max() < 40)


def test_counts_are_drawn() -> None:
    for count in (2, 3, 4):
        scene = Scene((Shape("square", "blue", "small", place=None, count=count),))
        area = coloured(render_scene(scene, width=224, height=126), "blue").sum()
        one = Scene((Shape("square", "blue", "small"),))
        single = coloured(render_scene(one, width=224, height=126), "blue").sum()
        assert area / single == pytest.approx(count, rel=0.25)


def test_layout_is_the_same_at_every_size() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        scene = random_scene(rng)
        texts = {"caption": "the harbor and the lantern of the north", "title": "Chapter one"}
        small = render_scene(scene, width=224, height=126, **texts)
        large = Image.fromarray(render_scene(scene, width=640, height=360, **texts)).resize((224, 126))
        difference = np.abs(small.astype(int) - np.asarray(large))[22:104]
        assert difference.mean() < 6


def test_text_is_written_in_its_place() -> None:
    scene = slide_scene(np.random.default_rng(0))
    empty = render_scene(scene, width=224, height=126)
    changed = {
        name: np.flatnonzero((render_scene(scene, width=224, height=126, **{name: value}) != empty).any(axis=(1, 2)))
        for name, value in {"caption": "low", "title": "high", "lines": ["in", "the middle"]}.items()
    }
    assert changed["caption"].min() > 100
    assert changed["title"].max() < 24
    assert 35 < changed["lines"].min() < changed["lines"].max() < 95


def test_long_text_stays_inside() -> None:
    scene = slide_scene(np.random.default_rng(0))
    lines = ["lantern harbor volcano glacier meadow orchard"] * 14
    image = render_scene(scene, width=640, height=360, title="Contents", lines=lines, caption="word " * 40)
    assert image.shape == (360, 640, 3)


def test_same_arguments_same_bytes() -> None:
    scene = random_scene(np.random.default_rng(9))
    first = render_scene(scene, width=224, height=126, caption="a")
    assert np.array_equal(first, render_scene(scene, width=224, height=126, caption="a"))


def test_textures_and_digits_differ() -> None:
    masks = [shape_mask("square", texture=texture, size_pixels=44) for texture in TEXTURES]
    masks += [shape_mask(NUMBER, size_pixels=44, number=n) for n in range(10)]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            assert np.abs(one.astype(int) - other).mean() > 5


def test_errors() -> None:
    with pytest.raises(InputError, match="32 pixels"):
        render_scene(Scene(()), width=20, height=126)
    with pytest.raises(UnknownNameError, match="hexagon"):
        shape_mask("blob", size_pixels=40)
    with pytest.raises(UnknownNameError, match="DejaVu"):
        load_font("Comic", size_pixels=12)
    assert Background() == Background("white", "plain")
