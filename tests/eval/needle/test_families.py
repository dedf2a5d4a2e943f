"""Families of pictures: near misses that move otherwise, and several of one scene in a document."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.eval.needle.combinations import is_allowed
from clamr_select.eval.needle.families import NearMissShares, other_motion, picture_families, uneven_families
from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.predicates import FrameFacts, ShapePattern, ShowsShapes, Verdict
from clamr_select.eval.needle.scene import Scene, Shape, is_valid


def families(*, neighbors=True, num_documents=200, **shares):
    rng = np.random.default_rng(8)
    return picture_families(
        rng,
        num_documents=num_documents,
        max_frames=2,
        split="train",
        neighbors=neighbors,
        shares=NearMissShares(**shares),
    )


def standing(scene):
    return tuple(replace(shape, motion=None) for shape in scene.shapes)


def motions(scene):
    return tuple(shape.motion for shape in scene.shapes)


@pytest.mark.parametrize("split", ["train", "test"])
def test_another_motion_changes_nothing_else(split):
    rng = np.random.default_rng(2)
    found: Counter[str | None] = Counter()
    for _ in range(300):
        scene = draw_scene(rng, split=split, moving=True)
        other = other_motion(scene, rng, split=split)
        if not any(motions(scene)):
            assert other is None
            continue
        assert other is not None
        assert is_valid(other)
        assert is_allowed(other, split)
        assert standing(other) == standing(scene)
        assert other.background == scene.background
        changed = [new for new, old in zip(motions(other), motions(scene), strict=True) if new != old]
        assert len(changed) == 1
        found.update(changed)
    assert found.keys() == {"left", "right", "up", "down", "grows", "shrinks", "spins", None}


def test_a_question_about_the_motion_tells_them_apart():
    scene = Scene((Shape("star", "red", motion="left"),))
    other = other_motion(scene, np.random.default_rng(0), split="train")
    asked = ShowsShapes((ShapePattern(kind="star", motion="left"),))
    assert [asked.frame(FrameFacts(shown)) for shown in (scene, other)] == [Verdict.YES, Verdict.NO]


def num_apart_in_motion_alone(plans):
    """Documents of one frame whose things are those of the one before, which move otherwise."""
    pairs = [(a, b) for a, b in pairwise(plans) if len(a.scenes) == len(b.scenes) == 1]
    return sum(
        standing(a.scenes[0]) == standing(b.scenes[0]) and motions(a.scenes[0]) != motions(b.scenes[0])
        for a, b in pairs
    )


def test_a_share_of_the_near_misses_moves_otherwise():
    assert num_apart_in_motion_alone(families(motion=1.0)) > 3 * num_apart_in_motion_alone(families())
    assert num_apart_in_motion_alone(families(neighbors=False, motion=1.0)) == 0


def test_a_share_of_the_near_misses_is_several_of_one_scene():
    plans = families(scattered=1.0)
    assert Counter(len(plan.scenes) for plan in plans)[4] > 30
    longer = [plan for plan in plans if len(plan.scenes) > 2]
    assert sum(len(set(plan.scenes)) == len(plan.scenes) for plan in longer) > 0.9 * len(longer)
    assert max(len(plan.scenes) for plan in families()) == 2


def test_without_shares_families_are_what_they_were_and_their_size_is_kept():
    plain = [plan.scenes for plan in families(num_documents=30)]
    assert plain == [p.scenes for p in families(num_documents=30, layout=0.0, motion=0.0)]
    assert plain != [p.scenes for p in families(num_documents=30, motion=0.5)]
    assert len(plain) == 30


@pytest.mark.parametrize("name", ["layout", "motion", "scattered"])
def test_a_share_is_between_nothing_and_all(name):
    for share in (-0.1, 1.1):
        with pytest.raises(InputError, match=rf"{name}={share}"):
            NearMissShares(**{name: share})


def test_uneven_families_are_of_all_lengths_and_resemble_their_first():
    rng = np.random.default_rng(8)
    plans = uneven_families(
        rng, num_documents=120, lengths=(1, 3, 5), split="train", neighbors=True, shares=NearMissShares(layout=0.3)
    )
    found = Counter(len(plan.scenes) for plan in plans)
    assert len(plans) == 120
    assert found.keys() == {1, 3, 5}
    assert min(found.values()) > 20
    assert sum(len(set(plan.scenes)) == len(plan.scenes) for plan in plans) > 110
    pairs = [(a, b) for a, b in pairwise(plans) if len(a.scenes) != len(b.scenes)]
    alike = [any(one.background == other.background for one in a.scenes for other in b.scenes) for a, b in pairs]
    assert sum(alike) > 0.6 * len(pairs) > 20
