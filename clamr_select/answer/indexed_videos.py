"""The videos that were asked before, indexed."""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError, VideoNotFoundError

if TYPE_CHECKING:
    from clamr_select.indexing.indexed_video import IndexedVideo
    from clamr_select.indexing.progress import Progress
    from clamr_select.selector import FrameSelector


class IndexedVideos:
    """Indexes a file once for as long as it does not change; at most ``max_videos`` are kept.

    Raises:
        InputError: ``max_videos`` is below 1.
    """

    def __init__(
        self, selector: FrameSelector, *, index_options: dict[str, Any], max_videos: int, progress: Progress | None
    ) -> None:
        if max_videos < 1:
            raise InputError(f"max_indexed_videos must be at least 1, got {max_videos}")
        self.selector, self.index_options = selector, index_options
        self.max_videos, self.progress = max_videos, progress
        self._kept: OrderedDict[tuple[Path, int, int], IndexedVideo] = OrderedDict()

    def get(self, video: str | Path | IndexedVideo, *, timings: dict[str, float]) -> IndexedVideo:
        """The index of a file, made now if need be; then ``timings`` receives ``index`` in seconds.

        Raises:
            VideoError, ContextError, InputError: as ``FrameSelector.index``.
        """
        if not isinstance(video, str | Path):
            return video
        key = _key(Path(video))
        if key not in self._kept:
            started = time.perf_counter()
            indexed = self.selector.index(video, progress=self.progress, **self.index_options)
            timings["index"] = time.perf_counter() - started
            self._kept[key] = indexed
            if len(self._kept) > self.max_videos:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _key(path: Path) -> tuple[Path, int, int]:
    """Another size or time of change is another video."""
    if not path.exists():
        raise VideoNotFoundError(f"no such file: {path}")
    found = path.stat()
    return path.resolve(), found.st_size, found.st_mtime_ns
