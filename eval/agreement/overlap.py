"""Selected frames against released ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.errors import InputError
from clamr_select.selection import Selection


@dataclass(frozen=True)
class Agreement:
    """Of one question."""

    video_id: str
    question_id: str
    overlap: float
    """Share of the released frames that we selected too, 0..1."""
    by_chance: float
    """What as many frames drawn at random would share."""
    num_released: int
    num_selected: int


def overlap(selection: Selection, *, positions: Sequence[int], pool: int) -> tuple[float, float]:
    """Share of released frames that a selection holds, and that share by chance.

    Released candidates stand evenly from the first frame to the last; each is taken for ours that is nearest in time.

    Args:
        selection: with its candidates.
        positions: of the released frames among ``pool`` candidates, 0 the first.

    Raises:
        InputError: the selection was stored without its candidates.
    """
    if selection.candidates is None:
        raise InputError("the selection has no candidates; agreement needs the times of all of them")
    times = np.asarray(selection.candidates.timestamps_seconds)
    start = selection.video_facts.start_seconds
    # of the last frame, where the container's duration ends after it
    facts = selection.video_facts
    length = facts.duration_seconds * (facts.num_frames - 1) / facts.num_frames
    wanted = start + np.asarray(positions) / max(1, pool - 1) * length
    nearest = {int(np.abs(times - seconds).argmin()) for seconds in wanted}
    indices = selection.candidates.frame_indices
    selected = set(selection.frame_indices)
    shared = sum(indices[position] in selected for position in nearest)
    return shared / len(nearest), len(selected) / len(times)
