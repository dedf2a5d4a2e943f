"""Documents of pictures alone, for training: families that differ in little, so that seeing decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.needle.combinations import is_allowed
from clamr_select.eval.needle.layouts import other_layout
from clamr_select.eval.needle.pictures import MOVING_SHARE, draw_scene
from clamr_select.eval.needle.plans import DocumentPlan, random_plan
from clamr_select.eval.needle.scene import MOTIONS, Scene, is_valid
from clamr_select.eval.needle.siblings import sibling_scene
from clamr_select.eval.needle.vocabulary import Split, pick


@dataclass(frozen=True)
class NearMissShares:
    """How near misses differ from what they resemble, 0 to 1 each; all others differ in one attribute. Nothing is drawn
    for a share of 0."""

    layout: float = 0.0
    """The same things laid out otherwise."""
    motion: float = 0.0
    """Of those of what moves: the same things move otherwise, or stand still."""
    scattered: float = 0.0
    """Two to four of one scene in one document, which may hold all that is asked for, each part in another frame.
    Scored by the best token anywhere, it can pass for the answer."""

    def __post_init__(self) -> None:
        """Raises InputError unless each is 0 to 1."""
        for name, share in asdict(self).items():
            if not 0 <= share <= 1:
                raise InputError(f"a share of near misses must be 0 to 1, got {name}={share}")


def picture_families(
    rng: np.random.Generator,
    *,
    num_documents: int,
    max_frames: int,
    split: Split,
    neighbors: bool,
    moving_share: float = MOVING_SHARE,
    shares: NearMissShares | None = None,
) -> list[DocumentPlan]:
    """Documents and two to four near misses of each.

    Args:
        max_frames: of three documents in ten; the others have one.
        moving_share: share (0 to 1) of the things that move, with ``neighbors``.
    """
    shares = shares or NearMissShares()
    plans: list[DocumentPlan] = []
    while len(plans) < num_documents:
        num_frames = 1 if rng.random() < 0.7 else max_frames
        plan = random_plan(
            rng, num_frames=num_frames, split=split, vision_only=True, moving=neighbors, moving_share=moving_share
        )
        plans.append(plan)
        for _ in range(int(rng.integers(2, 5))):
            scenes = plan.scenes
            if shares.scattered and rng.random() < shares.scattered:
                scenes = [pick(rng, plan.scenes)] * int(rng.integers(2, 5))
            plans.append(_near_miss(plan, scenes, rng, split=split, shares=shares))
    return plans[:num_documents]


def uneven_families(
    rng: np.random.Generator,
    *,
    num_documents: int,
    lengths: Sequence[int],
    split: Split,
    neighbors: bool,
    shares: NearMissShares,
) -> list[DocumentPlan]:
    """Documents of different scenes, and two to four near misses of each, as long or short as chance has it: near
    misses of its scenes in any order, some more than once.

    Args:
        lengths: in frames, drawn evenly.
        shares: without ``scattered``, which all of them are.
    """
    plans: list[DocumentPlan] = []
    while len(plans) < num_documents:
        plan = random_plan(rng, num_frames=1, split=split, vision_only=True, moving=neighbors)
        plan.scenes += [
            draw_scene(rng, split=split, portrait=plan.portrait, moving=neighbors)
            for _ in range(pick(rng, lengths) - 1)
        ]
        plans.append(plan)
        for _ in range(int(rng.integers(2, 5))):
            scenes = [pick(rng, plan.scenes) for _ in range(pick(rng, lengths))]
            plans.append(_near_miss(plan, scenes, rng, split=split, shares=shares))
    return plans[:num_documents]


def _near_miss(
    plan: DocumentPlan, scenes: Sequence[Scene], rng: np.random.Generator, *, split: Split, shares: NearMissShares
) -> DocumentPlan:
    """A document like ``plan`` with a near miss of each of the scenes."""
    near: list[Scene] = []
    for scene in scenes:
        other = None
        if plan.moving and shares.motion and rng.random() < shares.motion:
            other = other_motion(scene, rng, split=split)
        if other is None and shares.layout and rng.random() < shares.layout:
            other = other_layout(scene, rng, split=split, portrait=plan.portrait)
        near.append(other or sibling_scene(scene, rng, split=split, portrait=plan.portrait, moving=plan.moving))
    return DocumentPlan(plan.width, plan.height, near, moving=plan.moving)


def other_motion(scene: Scene, rng: np.random.Generator, *, split: Split) -> Scene | None:
    """The same things, one of which moves otherwise or stands still; None where nothing moves."""
    moving = [i for i, shape in enumerate(scene.shapes) if shape.motion is not None]
    if not moving:
        return None
    index = pick(rng, moving)
    shape = scene.shapes[index]
    others = [motion for motion in (*MOTIONS, None) if motion != shape.motion]
    while True:
        changed = replace(shape, motion=pick(rng, others))
        shapes = (*scene.shapes[:index], changed, *scene.shapes[index + 1 :])
        near_miss = replace(scene, shapes=shapes, seed=int(rng.integers(1 << 30)))
        if is_valid(near_miss) and is_allowed(near_miss, split):
            return near_miss
