"""Frames in the sizes of a budget plan: more and smaller ones, or tiers."""

from __future__ import annotations

import numpy as np

from clamr_select.errors import InputError
from clamr_select.handoff.frames import frames_at, opened_as
from clamr_select.policies.plans import FramePlan
from clamr_select.selection import Selection


def planned_frames(selection: Selection, *, full_side: int | None = None) -> list[np.ndarray]:
    """The selected frames, each as large as the plan of ``resolution="more_smaller"`` or ``"tiers"`` says.

    Args:
        full_side: longer side in pixels of a frame at full size; None takes the video's.

    Returns:
        (height, width, 3) uint8 RGB each, in time order.

    Raises:
        InputError: the selection was made without a plan.
        FrameDecodeError, VideoError: as ``Selection.frames``.
    """
    shares = selection.method.get("side_shares")
    if not shares:
        raise InputError("this selection has no plan of sizes; select with resolution='more_smaller' or 'tiers'")
    width, height = selection.video_facts.width, selection.video_facts.height
    scale = 1.0 if full_side is None else min(1.0, full_side / max(width, height))
    sides = FramePlan(tuple(shares)).max_sides(width=round(width * scale), height=round(height * scale))
    times = dict(zip(selection.frame_indices, selection.timestamps_seconds, strict=True))
    side_of = dict(zip(selection.frame_indices, sides, strict=True))
    images: dict[int, np.ndarray] = {}
    for side in sorted(set(sides)):
        wanted = {index: seconds for index, seconds in times.items() if side_of[index] == side}
        decoded = frames_at(selection.video, wanted, max_side=side, **opened_as(selection))
        images |= {frame.frame_index: frame.image for frame in decoded}
    return [images[index] for index in selection.frame_indices]
