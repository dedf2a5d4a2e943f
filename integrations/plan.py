"""Frames that were chosen elsewhere, named by index, as a selection of a video that is here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clamr_select.errors import FrameDecodeError, InputError
from clamr_select.selection import Selection, VideoFacts

if TYPE_CHECKING:
    from clamr_select.video import VideoReader

MAX_DIFFERENCE_SECONDS = 1e-3
KEYS = {"frame_indices", "timestamps_seconds"}


def planned_selection(reader: VideoReader, plan: Mapping[str, Any]) -> Selection:
    """A selection of the frames a plan names; it has no question, scores or words.

    Args:
        reader: of the video, open.
        plan: ``frame_indices``, strictly increasing; ``timestamps_seconds``, if the frames shall be checked to be
            those that were chosen.

    Raises:
        InputError: the plan is not of that form, or names a frame that the video does not have.
        FrameDecodeError: a frame is at another time than the plan says.
    """
    if not isinstance(plan, Mapping) or "frame_indices" not in plan or set(plan) - KEYS:
        raise InputError(f"a plan is an object with frame_indices and, optionally, timestamps_seconds; got {plan!r}")
    indices = plan["frame_indices"]
    if not isinstance(indices, list | tuple) or not indices or not all(type(index) is int for index in indices):
        raise InputError(f"frame_indices must be a list of whole numbers, at least one, got {indices!r}")
    if min(indices) < 0 or max(indices) >= reader.info.num_frames:
        raise InputError(f"frame_indices must be within 0..{reader.info.num_frames - 1}, got {indices}")
    times = tuple(float(reader.timestamps_seconds[index]) for index in indices)
    _check_times(indices, times, plan.get("timestamps_seconds"))
    info, size = reader.info, len(indices)
    return Selection(
        video=info.path,
        question="",
        frame_indices=tuple(indices),
        timestamps_seconds=times,
        scores=(0.0,) * size,
        modality=("none",) * size,
        scores_by_modality={},
        text=({},) * size,
        method={"policy": "plan"},
        video_facts=VideoFacts(
            width=info.width,
            height=info.height,
            num_frames=info.num_frames,
            start_seconds=info.start_seconds,
            duration_seconds=info.duration_seconds,
            average_fps=info.average_fps,
        ),
    )


def _check_times(indices: list[int] | tuple[int, ...], times: tuple[float, ...], expected: Any) -> None:
    if expected is None:
        return
    if not isinstance(expected, list | tuple) or len(expected) != len(indices):
        raise InputError(f"timestamps_seconds must be a list of {len(indices)} numbers, got {expected!r}")
    for index, seconds, planned in zip(indices, times, expected, strict=True):
        if not isinstance(planned, int | float) or abs(seconds - planned) > MAX_DIFFERENCE_SECONDS:
            raise FrameDecodeError(
                f"frame {index} is at {seconds:.3f} s, the plan has it at {planned} s: this is another video, or it "
                "changed since; select again"
            )
