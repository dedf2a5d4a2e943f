"""A path that carries its selection: qwen-vl-utils reads the selected frames where it would sample its own.

The only way that keeps both the base's budget of pixels and the true times: a list of frames loses the times, and is
resized twice. Everything else that qwen-vl-utils reads in this process goes to its own readers, untouched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from clamr_select.integrations.lmms_eval.plan import FramePlan

if TYPE_CHECKING:
    from clamr_select.video import Backend

Reader = Callable[[dict[str, Any]], Any]
FRAMES_FUSED = 2
READS_PIXELS_ALIKE = {"torchcodec": "torchcodec"}
"""Reader of qwen-vl-utils to our backend of the same library, where that can jump; else PyAV, whose colours may differ
in the last bit."""
_installing = threading.Lock()


class SelectedVideo(str):
    """The path of a video, with the frames that shall be read of it. It stays a plain string for whoever looks."""

    plan: FramePlan
    fuses: bool
    backend: str

    @classmethod
    def of(cls, plan: FramePlan, *, fuses: bool, backend: str) -> SelectedVideo:
        handle = cls(plan.video)
        handle.plan, handle.fuses, handle.backend = plan, fuses, backend
        return handle


def install() -> None:
    """Teach qwen-vl-utils' readers the handle; calling again changes nothing.

    Raises:
        MissingDependencyError: qwen-vl-utils is not installed.
    """
    from clamr_select.handoff.qwen_size import vision_process

    readers = vision_process(purpose="clamr_emit=handle").VIDEO_READER_BACKENDS
    with _installing:
        for name, reader in readers.items():
            if not hasattr(reader, "reads_handles"):
                readers[name] = _or_selected(name, reader)


def _or_selected(name: str, reader: Reader) -> Reader:
    def read(block: dict[str, Any]) -> Any:
        video = block.get("video")
        if not isinstance(video, SelectedVideo):
            return reader(block)
        if video.plan.selection is None:
            return _read_as_the_base(video, block, reader)
        return _read_selected(video, reader_name=name)

    read.reads_handles = True  # type: ignore[attr-defined]
    return read


def _read_as_the_base(video: SelectedVideo, block: dict[str, Any], reader: Reader) -> Any:
    frames, metadata, rate = reader({**block, "video": str(video)})
    video.plan.consumed(tuple(int(index) for index in metadata["frames_indices"]))
    return frames, metadata, rate


def _read_selected(video: SelectedVideo, *, reader_name: str) -> Any:
    """(frames, metadata, mean rate): (num_frames, 3, height, width) uint8, and what their indices and rate say."""
    from torch import from_numpy

    from clamr_select.handoff.consumers import interval_seconds
    from clamr_select.handoff.transformers import video_metadata

    backend = READS_PIXELS_ALIKE.get(reader_name, "pyav") if video.backend == "auto" else video.backend
    emission, channel = video.plan.emission(fuses=video.fuses)
    frames = from_numpy(emission.decode(backend=cast("Backend", backend))).permute(0, 3, 1, 2).contiguous()
    video.plan.consumed(emission.frame_indices)
    rate = FRAMES_FUSED / interval_seconds(emission.timestamps_seconds, num_fused=FRAMES_FUSED)
    return frames, video_metadata(emission, channel, size=(frames.shape[2], frames.shape[3])), rate
