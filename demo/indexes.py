"""The indexed videos of all visitors: bounded, shared by content, made by one thread at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clamr_select.demo.hearing import Hearing
from clamr_select.demo.pictures import Pictures
from clamr_select.demo.spoken import SpeechSource, speech_source
from clamr_select.demo.working import Stages, watched
from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.indexing.cached_indexer import CacheDir, open_store
from clamr_select.indexing.coarse_to_fine.effort import Effort
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.progress import Progress
from clamr_select.retrieval import StoredVideo
from clamr_select.retrieval.moments import from_store
from clamr_select.selection import SelectionWarning
from clamr_select.selector import FrameSelector

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
    effort: Effort = "full"
    """How much of the video is looked at."""
    kept: Kept | None = None
    """What a library made of it, in place of all the above but the video; ``effort`` counts where that is gone."""

    def key(self) -> Key:
        """Another size or time of change is another video.

        Raises:
            VideoNotFoundError: the file is gone.
        """
        subtitles = None if self.subtitles is None else stamp(self.subtitles)
        return (stamp(self.video), subtitles, self.read_text, self.is_heard, self.effort, self.kept is not None)

    @property
    def is_heard(self) -> bool:
        return self.listen and self.subtitles is None


class Relay:
    """Progress to whoever waits now: a skimmed video reports to one place for as long as it is kept."""

    to: Progress | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.to is not None:
            self.to(stage, done, total)


@dataclass(frozen=True)
class Ready:
    """A video that can be asked."""

    video: IndexedVideo | SkimmedVideo
    """The latter where a part of it is looked at for each question."""
    pictures: Pictures
    was_kept: bool
    """It was there already: nothing was decoded or encoded for this question."""
    speech: SpeechSource
    relay: Relay


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
            relay = Relay()

            def work(progress: Progress) -> IndexedVideo | SkimmedVideo:
                with self.model_lock:
                    relay.to = progress
                    return self._make(source, relay)

            video = yield from watched(work)
            made = Ready(video, Pictures(str(source.video)), was_kept=False, speech=_speech(source, video), relay=relay)
            self._kept[key] = replace(made, was_kept=True)
            while len(self._kept) > self.max_videos:
                self._kept.popitem(last=False)
            return made
        self._kept.move_to_end(key)
        return kept

    def look(self, ready: Ready, question: str, options: Mapping[str, Any]) -> Generator[Stages, None, IndexedVideo]:
        """As :meth:`ready`: what a question is compared with. Of a video that was only skimmed, this looks closely at
        the parts that may answer.

        Args:
            options: of ``IndexedVideo.select``.
        """
        if isinstance(ready.video, IndexedVideo):
            return ready.video
        skimmed = ready.video

        def work(progress: Progress) -> IndexedVideo:
            with self.model_lock:
                ready.relay.to = progress
                looked = skimmed.indexed(skimmed.source.windows(skimmed.propose(question, **options)))
                noted = (SelectionWarning(*warning) for warning in skimmed.source.take_warnings())
                return replace(looked, warnings=(*looked.warnings, *noted))

        return (yield from watched(work))

    def _make(self, source: Source, relay: Relay) -> IndexedVideo | SkimmedVideo:
        found = self._from_library(source)
        if found is not None:
            return found
        options = self._options(source)
        if source.effort == "full":
            return self.selector.index(source.video, progress=relay, **options)
        return self.selector.skim(source.video, effort=source.effort, progress=relay, **options)

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


def _speech(source: Source, video: IndexedVideo | SkimmedVideo) -> SpeechSource:
    words = video.words if isinstance(video, IndexedVideo) else video.skim.words
    if source.kept is not None and any(words.get("asr", ())):
        return "read"  # whatever the library knows them from
    return speech_source(source.video, subtitles=source.subtitles, listen=source.listen)


def stamp(path: Path) -> tuple[str, int, int]:
    """Of a file: another size or time of change is another one.

    Raises:
        VideoNotFoundError: it is gone.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"no such file: {path.name}") from error
    return str(path.resolve()), found.st_size, found.st_mtime_ns
