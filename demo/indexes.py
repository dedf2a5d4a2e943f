"""The indexed videos of all visitors: bounded, shared by content, made by one thread at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from clamr_select.demo.hearing import Hearing
from clamr_select.demo.pictures import Pictures
from clamr_select.demo.spoken import SpeechSource, speech_source
from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.indexing.cached_indexer import CacheDir, open_store
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.retrieval import StoredVideo
from clamr_select.retrieval.moments import from_store
from clamr_select.selector import FrameSelector

Stages = dict[str, tuple[int, int]]
"""Stage of indexing to (done, total), in the order in which they began."""
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Kept:
    """An index that a library made, and keeps on disk."""

    video: StoredVideo
    cache_dir: CacheDir
    options: Mapping[str, Any]
    """Of ``FrameSelector.index``, by which it is made again where it is gone."""


@dataclass(frozen=True)
class Source:
    """A video as it is to be indexed."""

    video: Path
    subtitles: Path | None = None
    read_text: bool = True
    """Read the text on screen."""
    listen: bool = False
    """Make subtitles from the sound; not where there are subtitles."""
    keep: bool = False
    """Keep the index on disk. Not that of what a visitor brought: it leaves nothing behind."""
    kept: Kept | None = None
    """What a library made of it, in place of all the above but the video."""

    def key(self) -> Key:
        """Another size or time of change is another video.

        Raises:
            VideoNotFoundError: the file is gone.
        """
        subtitles = None if self.subtitles is None else _stamp(self.subtitles)
        return (_stamp(self.video), subtitles, self.read_text, self.is_heard, self.kept is not None)

    @property
    def is_heard(self) -> bool:
        return self.listen and self.subtitles is None


@dataclass(frozen=True)
class Ready:
    """A video that can be asked."""

    indexed: IndexedVideo
    pictures: Pictures
    was_kept: bool
    """It was there already: nothing was decoded or encoded for this question."""
    speech: SpeechSource


class Indexes:
    """At most ``max_videos``; the one asked longest ago goes first.

    Args:
        selector: indexes videos, in one thread at a time.
        index_options: for ``FrameSelector.index``.
        hearing: what listens to a source that is to be heard.
        keep_dir: where indexes are kept on disk.
    """

    def __init__(
        self,
        selector: FrameSelector,
        *,
        max_videos: int,
        index_options: dict[str, Any],
        keep_dir: Path,
        hearing: Hearing,
    ) -> None:
        self.selector, self.max_videos, self.index_options = selector, max_videos, index_options
        self.keep_dir, self.hearing = keep_dir, hearing
        self.model_lock = threading.Lock()
        self._kept: OrderedDict[Key, Ready] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def ready(self, source: Source) -> Generator[Stages, None, Ready]:
        """Yields how far the work is, and returns the index; a generator that is closed stops the work.

        Raises:
            VideoError, ContextError, InputError: as ``FrameSelector.index``.
        """
        if source.is_heard and not self.hearing.is_possible:
            raise InputError(self.hearing.about)
        key = source.key()
        kept = self._kept.get(key)
        if kept is None:
            indexed = yield from self._index(source)
            made = Ready(indexed, Pictures(str(source.video)), was_kept=False, speech=_speech(source, indexed))
            self._kept[key] = replace(made, was_kept=True)
            while len(self._kept) > self.max_videos:
                self._kept.popitem(last=False)
            return made
        self._kept.move_to_end(key)
        return kept

    def _index(self, source: Source) -> Generator[Stages, None, IndexedVideo]:
        reports: SimpleQueue[Stages | None] = SimpleQueue()
        nobody_waits = threading.Event()
        stages: Stages = {}

        def progress(stage: str, done: int, total: int) -> None:
            if nobody_waits.is_set():
                raise _Abandoned
            stages[stage] = (done, total)
            reports.put(dict(stages))

        def work() -> IndexedVideo:
            with self.model_lock:
                return self._from_library(source) or self.selector.index(
                    source.video, progress=progress, **self._options(source)
                )

        with ThreadPoolExecutor(1, thread_name_prefix="clamr-select-index") as pool:
            made = pool.submit(work)
            made.add_done_callback(lambda _: reports.put(None))
            try:
                while (report := _newest(reports)) is not None:
                    yield report
            finally:
                nobody_waits.set()
        return made.result()

    def _from_library(self, source: Source) -> IndexedVideo | None:
        if source.kept is None or source.kept.cache_dir is None:
            return None
        store = open_store(source.kept.cache_dir)
        return from_store(source.kept.video, store=store, encoder=self.selector.encoder)

    def _options(self, source: Source) -> dict[str, Any]:
        """Of ``FrameSelector.index``."""
        if source.kept is not None:
            return {"cache_dir": source.kept.cache_dir, **source.kept.options}
        is_heard = speech_source(source.video, subtitles=source.subtitles, listen=source.listen) == "heard"
        return {
            "subtitles": "auto" if source.subtitles is None else source.subtitles,
            "ocr": "auto" if source.read_text else "off",
            **(self.hearing.options if is_heard else {}),
            "cache_dir": self.keep_dir if source.keep else None,
            **self.index_options,
        }


class _Abandoned(Exception):
    """Ends the work of a visitor who has left; nobody is there to see it."""


def _speech(source: Source, indexed: IndexedVideo) -> SpeechSource:
    if source.kept is not None and any(indexed.words.get("asr", ())):
        return "read"  # whatever the library knows them from
    return speech_source(source.video, subtitles=source.subtitles, listen=source.listen)


def _newest(reports: SimpleQueue[Stages | None]) -> Stages | None:
    """The last of the reports that wait; the page needs no more than it can show."""
    report = reports.get()
    while report is not None and not reports.empty():
        report = reports.get()
    return report


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"no such file: {path.name}") from error
    return str(path.resolve()), found.st_size, found.st_mtime_ns
