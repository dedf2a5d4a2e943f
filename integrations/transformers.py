"""transformers: a processor that samples the frames of a selection, for code that does not let its call be changed.

Where the call is yours, ``processor(text=…, **selection.to_transformers(processor))`` says the same without a patch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    import numpy as np
    from transformers import BaseVideoProcessor, ProcessorMixin
    from transformers.video_utils import VideoMetadata


@contextmanager
def patch(
    processor: ProcessorMixin | BaseVideoProcessor,
    *selections: Selection,
    pair: Pair | None = None,
    max_side: int | None = None,
) -> Iterator[None]:
    """Inside, a video's path given to the processor loads the selected frames, with their seconds.

    The frames are decoded here, not by transformers, so sampling arguments (``fps``, ``num_frames``,
    ``do_sample_frames``) have no say. Arrays of a whole video, given with ``video_metadata`` and
    ``do_sample_frames=True``, are sampled at the selected frames. Images are not touched. Afterwards, also after
    an error, the processor is what it was; patches may be nested, the inner one counts. It changes the processor
    itself: do not share it with other threads meanwhile.

    Args:
        processor: a model's processor, or its video processor.
        selections: one for each video that will be given, told apart by their paths.
        pair, max_side: as :meth:`Selection.to_transformers`, whose warnings apply.

    Raises:
        InputError: no selection, or two of one video; the processor has no video processor, or reads times from
            its call alone (Omni models); inside: a video that no selection is of.
    """
    video_processor = getattr(processor, "video_processor", processor)
    original = type(video_processor)
    plan = _Plan(processor, selections, pair=pair, max_side=max_side)
    # a subclass and no instance attributes: those would be saved and printed with the processor
    video_processor.__class__ = _planned_class(original, plan)
    try:
        yield
    finally:
        video_processor.__class__ = original


class _Plan:
    """Which frames are loaded for which video."""

    def __init__(
        self, processor: Any, selections: tuple[Selection, ...], *, pair: Pair | None, max_side: int | None
    ) -> None:
        from clamr_select.handoff.consumers import time_channel

        if not hasattr(getattr(processor, "video_processor", processor), "fetch_videos"):
            raise InputError(f"{type(processor).__name__} has no video processor to patch")
        strangers = [type(one).__name__ for one in selections if not isinstance(one, Selection)]
        if strangers:
            raise InputError(f"patch() takes selections, one by one: patch(processor, first, second); got {strangers}")
        channel = time_channel(processor)
        if channel.shown == "interval" and "Omni" in channel.name:
            raise InputError(
                f"{channel.name} reads times from its call alone; call it with **selection.to_transformers(processor)"
            )
        self.processor, self.channel, self.pair, self.max_side = processor, channel, pair, max_side
        self.by_path = {_resolved(selection.video): selection for selection in selections}
        if not selections or len(self.by_path) < len(selections):
            raise InputError(f"patch() takes one selection a video, got {[s.video for s in selections]}")

    def load(self, video: str) -> tuple[np.ndarray, VideoMetadata]:
        """The frames of the selection that is of this video, as ``load_video`` returns them."""
        from transformers.video_utils import VideoMetadata

        selection = self.by_path.get(_resolved(video))
        if selection is None:
            raise InputError(f"no selection of {video!r} was given to patch(), only of {', '.join(self.by_path)}")
        arguments = selection.to_transformers(self.processor, pair=self.pair, max_side=self.max_side)
        return arguments["videos"][0], VideoMetadata(**arguments["video_metadata"][0])

    def indices(self, metadata: VideoMetadata) -> np.ndarray:
        """Of the frames to keep from an array that holds the whole video."""
        import numpy as np

        from clamr_select.handoff.pairing import plan_emission

        if len(self.by_path) > 1:
            raise InputError("arrays do not say which video they are of; patch with one selection, or give paths")
        if not metadata.fps:
            raise InputError("a whole video as an array needs video_metadata with its fps, else its times are unknown")
        (selection,) = self.by_path.values()
        selection(metadata)  # checks that it is this video, and warns of wrong times
        return np.array(plan_emission(selection, self.channel, pair=self.pair).frame_indices)


def _planned_class(original: type, plan: _Plan) -> type:
    def fetch_videos(_self: Any, video_url_or_urls: Any, sample_indices_fn: Any = None) -> Any:
        if isinstance(video_url_or_urls, list):
            loaded = [fetch_videos(_self, one, sample_indices_fn) for one in video_url_or_urls]
            return list(zip(*loaded, strict=True))
        return plan.load(video_url_or_urls)

    def sample_frames(_self: Any, metadata: VideoMetadata, **_sampling: Any) -> np.ndarray:
        return plan.indices(metadata)

    # of the same name, which a saved configuration holds
    names = {"__module__": original.__module__, "__qualname__": original.__qualname__, "__doc__": original.__doc__}
    return type(original.__name__, (original,), {**names, "fetch_videos": fetch_videos, "sample_frames": sample_frames})


def _resolved(video: str) -> str:
    return str(Path(video).resolve())
