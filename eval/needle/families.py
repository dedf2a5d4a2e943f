"""Documents of pictures alone, for training: families that differ in little, so that seeing decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clamr_select.eval.needle.combinations import is_allowed
from clamr_select.eval.needle.layouts import other_layout
from clamr_select.eval.needle.pictures import MOVING_SHARE
from clamr_select.eval.needle.plans import DocumentPlan, random_plan
from clamr_select.eval.needle.scene import MOTIONS, Scene, is_valid
from clamr_select.eval.needle.siblings import sibling_scene
from clamr_select.eval.needle.vocabulary import Split, pick


def picture_families(
    rng: np.random.Generator,
    *,
    num_documents: int,
    max_frames: int,
    split: Split,
    neighbors: bool,
    moving_share: float = MOVING_SHARE,
    layout_share: float = 0.0,
    motion_share: float = 0.0,
    scattered_share: float = 0.0,
) -> list[DocumentPlan]:
    """Documents and two to four near misses of each; nothing is drawn for a share of 0.

    Args:
        max_frames: of three documents in ten; the others have one.
        moving_share: share (0 to 1) of the things that move, with ``neighbors``.
        layout_share: share (0 to 1) of the near misses that show the same things laid out otherwise.
        motion_share: of the near misses of what moves: the same things move otherwise, or stand still.
        scattered_share: of the near misses: two to four of one scene in one document, which may hold all that is asked
            for, each part in another frame. Scored by the best token anywhere, it can pass for the answer.
    """
    plans: list[DocumentPlan] = []
    while len(plans) < num_documents:
        num_frames = 1 if rng.random() < 0.7 else max_frames
        plan = random_plan(
            rng, num_frames=num_frames, split=split, vision_only=True, moving=neighbors, moving_share=moving_share
        )
        plans.append(plan)
        for _ in range(int(rng.integers(2, 5))):
            scenes = list(plan.scenes)
            if scattered_share and rng.random() < scattered_share:
                scenes = [pick(rng, plan.scenes)] * int(rng.integers(2, 5))
            relative = DocumentPlan(plan.width, plan.height, scenes, moving=neighbors)
            for i, scene in enumerate(scenes):
                near_miss = None
                if neighbors and motion_share and rng.random() < motion_share:
                    near_miss = other_motion(scene, rng, split=split)
                if near_miss is None and layout_share and rng.random() < layout_share:
                    near_miss = other_layout(scene, rng, split=split, portrait=plan.portrait)
                relative.scenes[i] = near_miss or sibling_scene(
                    scene, rng, split=split, portrait=plan.portrait, moving=neighbors
                )
            plans.append(relative)
    del plans[num_documents:]
    return plans


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
