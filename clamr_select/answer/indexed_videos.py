"""The videos that were asked before, indexed."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.container import is_url
from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.indexing.coarse_to_fine.effort import Effort, check_effort

if TYPE_CHECKING:
    from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
    from clamr_select.indexing.indexed_video import IndexedVideo
    from clamr_select.indexing.progress import Progress
    from clamr_select.selector import FrameSelector


class IndexedVideos:
    """Indexes a file once for as long as it does not change, a URL once; at most ``max_videos`` are kept.

    Raises:
        InputError: ``max_videos`` is below 1.
        UnknownNameError: there is no such effort.
    """

    def __init__(
        self,
        selector: FrameSelector,
        *,
        index_options: dict[str, Any],
        effort: Effort,
        max_videos: int,
        progress: Progress | None,
    ) -> None:
        check_effort(effort)
        if max_videos < 1:
            raise InputError(f"max_indexed_videos must be at least 1, got {max_videos}")
        self.selector, self.index_options, self.effort = selector, index_options, effort
        self.max_videos, self.progress = max_videos, progress
        self._kept: OrderedDict[tuple[object, ...], IndexedVideo | SkimmedVideo] = OrderedDict()

    def get(
        self,
        video: str | Path | IndexedVideo | SkimmedVideo,
        *,
        select_options: Mapping[str, Any],
        timings: dict[str, float],
    ) -> IndexedVideo | SkimmedVideo:
        """The index of a file, made now if need be; then ``timings`` receives ``index`` in seconds.

        Args:
            select_options: what it will be asked with, which is checked before it is made.

        Raises:
            VideoError, ContextError, InputError: as ``FrameSelector.index`` and ``IndexedVideo.select``.
        """
        from clamr_select.indexing.asking import check_select_options

        if not isinstance(video, str | Path):
            return video
        key = _key(video)
        if key not in self._kept:
            check_select_options(select_options, modalities=self.selector.encoder.modalities)
            started = time.perf_counter()
            indexed = self._open(video)
            timings["index"] = time.perf_counter() - started
            self._kept[key] = indexed
            if len(self._kept) > self.max_videos:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _open(self, video: str | Path) -> IndexedVideo | SkimmedVideo:
        if self.effort == "full":
            return self.selector.index(video, progress=self.progress, **self.index_options)
        return self.selector.skim(video, effort=self.effort, progress=self.progress, **self.index_options)


def _key(video: str | Path) -> tuple[object, ...]:
    """Another size or time of change is another video; whether a URL may be asked for, and what it is, the selector
    judges."""
    if is_url(video):
        return (video,)
    if not os.path.exists(video):  # where Path.exists raises for a name that no file can have, this is False
        raise VideoNotFoundError(f"no such file: {video}")
    found = os.stat(video)
    return Path(video).resolve(), found.st_size, found.st_mtime_ns
