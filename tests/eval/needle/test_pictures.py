from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from clamr_select.eval.needle.combinations import is_held_out, pair_splits
from clamr_select.eval.needle.masks import shape_mask
from clamr_select.eval.needle.phrases import picture_phrase
from clamr_select.eval.needle.pictures import draw_scene, random_number
from clamr_select.eval.needle.predicates import FrameFacts, ShapePattern, ShowsShapes, Verdict
from clamr_select.eval.needle.questions import ask_video
from clamr_select.eval.needle.render import render_scene
from clamr_select.eval.needle.scene import (
    ALL_KINDS,
    BAR_CHART,
    DIRECTIONS,
    MOTIONS,
    NUMBER,
    Background,
    Scene,
    Shape,
    is_valid,
)
from clamr_select.eval.needle.siblings import sibling_scene
from clamr_select.eval.needle.vocabulary import Split


def shows(scene: Scene, pattern: ShapePattern) -> Verdict:
    return ShowsShapes((pattern,)).frame(FrameFacts(scene))


@pytest.mark.parametrize("split", get_args(Split))
def test_scenes_keep_to_the_combinations_of_their_split(split: Split) -> None:
    rng = np.random.default_rng(0)
    held_out = 0
    for _ in range(400):
        scene = draw_scene(rng, split=split)
        for shown in (scene, sibling_scene(scene, rng, split=split)):
            assert is_valid(shown)
            assert {s for shape in shown.shapes for s in pair_splits(shape)} <= {"train", split}
        held_out += any(is_held_out(shape) for shape in scene.shapes)
    assert held_out == 0 if split == "train" else held_out > 200


def test_test_questions_ask_mostly_for_held_out_combinations() -> None:
    rng = np.random.default_rng(0)
    asked = 0
    for _ in range(300):
        scene = draw_scene(rng, split="test")
        predicate = ask_video(scene, rng).predicate
        assert isinstance(predicate, ShowsShapes)
        asked += any(
            pattern.colour is not None
            and pattern.kind is not None
            and is_held_out(
                Shape(pattern.kind, pattern.colour, texture=pattern.texture or "plain", number=pattern.number)
            )
            for pattern in predicate.patterns
        )
    assert asked > 150


def test_everything_comes_up_and_questions_hold_for_their_scene() -> None:
    rng = np.random.default_rng(1)
    shapes = []
    for _ in range(1500):
        scene = draw_scene(rng, split="train", moving=True)
        question = ask_video(scene, rng)
        assert question.predicate.frame(FrameFacts(scene)) == Verdict.YES
        shapes += scene.shapes
    assert {s.kind for s in shapes} == {*ALL_KINDS, NUMBER}
    assert {s.count for s in shapes} == {1, 2, 3, 4, 5, 6}
    assert {s.motion for s in shapes} == {None, *MOTIONS}
    assert {s.direction for s in shapes if s.kind == "arrow"} == set(DIRECTIONS)
    assert {len(str(s.number)) for s in shapes if s.kind == NUMBER} == {1, 2, 3}
    assert not any(s.motion for _ in range(50) for s in draw_scene(rng, split="train").shapes)


def test_all_kinds_look_different() -> None:
    masks = [shape_mask(kind, size_pixels=22, number=1) for kind in ALL_KINDS]
    masks += [shape_mask("arrow", size_pixels=22, angle_degrees=angle) for angle in (90, 180, 270)]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            assert np.abs(one.astype(int) - other).mean() > 12


def test_numbers_of_several_digits_are_wider() -> None:
    widths = [shape_mask(NUMBER, size_pixels=40, number=n).shape[1] for n in (7, 42, 427)]
    assert widths == sorted(set(widths))
    rng = np.random.default_rng(0)
    assert {len(str(random_number(rng, digits=2))) for _ in range(200)} == {2}
    for number in (7, 42, 427):
        scene = Scene((Shape(NUMBER, "red", "large", number=number),))
        image = render_scene(scene, width=126, height=224).astype(int)
        columns = np.flatnonzero((image[:, :, 0] - image[:, :, 1] > 90).any(axis=0))
        assert columns.min() > 0
        assert columns.max() < 125


@pytest.mark.parametrize("motion", MOTIONS)
def test_motion_shows_between_neighbours_and_not_in_one_frame(motion: str) -> None:
    still, moving = (Scene((Shape("house", "red", motion=m),)) for m in (None, motion))  # type: ignore[arg-type]
    first = render_scene(moving, width=224, height=126)
    assert np.array_equal(first, render_scene(still, width=224, height=126))
    after = render_scene(moving, width=224, height=126, phase=0.2)
    assert np.abs(after.astype(int) - first).mean() > 1.5

    def centre_and_area(image: np.ndarray) -> tuple[float, float, float]:
        rows, columns = np.nonzero(image[:, :, 0].astype(int) - image[:, :, 1] > 90)
        return columns.mean(), rows.mean(), float(len(rows))

    (x1, y1, area1), (x2, y2, area2) = centre_and_area(first), centre_and_area(after)
    seen = {"left": x1 - x2, "right": x2 - x1, "up": y1 - y2, "down": y2 - y1, "grows": area2 / area1 * 8}
    seen |= {"shrinks": area1 / area2 * 8}
    if motion != "spins":
        assert seen[motion] > 10
    assert shows(moving, ShapePattern("house", motion=motion)) == Verdict.YES
    assert shows(still, ShapePattern("house", motion=motion)) == Verdict.NO


def test_bar_charts() -> None:
    chart = Scene((Shape(BAR_CHART, "red", number=2, accent="blue"),), Background("white"))
    assert shows(chart, ShapePattern(BAR_CHART, "red")) == Verdict.YES
    assert shows(chart, ShapePattern(BAR_CHART, "blue")) == Verdict.NO
    assert shows(chart, ShapePattern("rising chart")) == Verdict.NO
    rising = Scene((Shape("rising chart", "red"),))
    assert shows(rising, ShapePattern(BAR_CHART, "red")) == Verdict.YES
    image = render_scene(chart, width=224, height=126).astype(int)
    red = np.flatnonzero((image[:, :, 0] - image[:, :, 2] > 90).any(axis=1))
    blue = np.flatnonzero((image[:, :, 2] - image[:, :, 0] > 90).any(axis=1))
    assert red.min() < blue.min() - 15
    rng = np.random.default_rng(0)
    phrases = {picture_phrase(ShowsShapes((ShapePattern(BAR_CHART, "red"),)), rng) for _ in range(100)}
    assert "a bar chart whose tallest bar is red" in phrases
    assert not is_valid(Scene((Shape(BAR_CHART, "red", number=2, accent="red"),)))
    assert not is_valid(Scene((Shape("circle", "red", motion="spins"),)))


def test_arrows() -> None:
    up = Scene((Shape("arrow", "red", direction="up"),))
    assert shows(up, ShapePattern("arrow", direction="up")) == Verdict.YES
    assert shows(up, ShapePattern("arrow", direction="left")) == Verdict.NO
    rng = np.random.default_rng(0)
    phrases = {picture_phrase(ShowsShapes((ShapePattern("arrow", "red", direction="up"),)), rng) for _ in range(100)}
    assert "a red arrow pointing up" in phrases
