"""A library of videos that visitors may search: held while it is asked, and let go, so that others can add to it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from clamr_select.container import check_container
from clamr_select.demo.indexes import Kept, Source, stamp
from clamr_select.demo.pictures import Pictures
from clamr_select.demo.settings import DemoSettings
from clamr_select.errors import CorpusBusyError, CorpusError, InputError
from clamr_select.retrieval import SearchResult, ServerOptions, StoredVideo, VideoCorpus
from clamr_select.retrieval.filter_text import parsed_filters
from clamr_select.selector import FrameSelector

IDLE_SECONDS = 30.0
"""After the last question the folder is let go: one process at a time may hold it."""
NUM_MOMENTS = 6
"""Of each video."""
MAX_TOP_K = 50
MAX_FILTER_CHARACTERS = 1000
MAX_VIDEOS_WITH_PICTURES = 64
"""Whose pictures stay in memory; the one looked at longest ago goes first."""
PRIVATE_FIELDS = {"path"}
"""Where a file lies on this machine is not to be guessed by filters."""


@dataclass(frozen=True)
class Wanted:
    """What a visitor asks of a library."""

    text: str
    top_k: int = 10
    modalities: Sequence[str] = ()
    """Empty takes all."""
    filters: Sequence[str] = ()
    """``year>=2020`` and the like; all must fit."""

    def check(self, settings: DemoSettings) -> None:
        """Raises InputError where it is past a limit; names are checked by the library."""
        settings.check_question(self.text)
        if not 1 <= self.top_k <= MAX_TOP_K:
            raise InputError(f"Videos to find: 1 to {MAX_TOP_K}, got {self.top_k}.")
        if isinstance(self.filters, str) or not all(isinstance(text, str) for text in self.filters):
            raise InputError("Filters are a list of texts, e.g. year>=2020.")
        if sum(map(len, self.filters)) > MAX_FILTER_CHARACTERS:
            raise InputError(f"The filters are longer than {MAX_FILTER_CHARACTERS} characters.")


class Library:
    """One for all visitors.

    Args:
        selector: its model made the library.
        model_lock: held while the model works.
        settings: where the library is, and the folder whose videos may be shown.

    Raises:
        CorpusError, MissingDependencyError: it cannot be searched. That another process holds it now is no error yet.
    """

    def __init__(
        self,
        selector: FrameSelector,
        *,
        model_lock: threading.Lock,
        settings: DemoSettings,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        if settings.library is None:
            raise InputError("the settings name no library")
        self.selector, self.settings, self.idle_seconds = selector, settings, idle_seconds
        self._model_lock = model_lock
        self._guard = threading.Lock()
        self._corpus: VideoCorpus | None = None
        self._release: threading.Timer | None = None
        self._pictures: OrderedDict[tuple[str, int, int], Pictures] = OrderedDict()
        try:
            with self._held():
                pass
        except CorpusBusyError:
            pass

    def search(self, wanted: Wanted) -> SearchResult:
        """The best videos with the best moments inside each.

        Raises:
            InputError: a limit, a filter, an unknown modality, or the library is empty.
            CorpusError, StoreError: it cannot be searched, e.g. while another process adds to it.
        """
        wanted.check(self.settings)
        filters = parsed_filters(wanted.filters)
        if PRIVATE_FIELDS & set(filters):
            raise InputError(f"There is no field {min(PRIVATE_FIELDS & set(filters))!r} to filter by here.")
        with self._held() as corpus, self._model_lock:
            if not len(corpus):
                raise InputError("The library is empty: add videos with clamr-select index.")
            return corpus.locate(
                wanted.text.strip(),
                top_k=wanted.top_k,
                num_frames=NUM_MOMENTS,
                modalities=list(wanted.modalities) or None,
                filters=filters,
            )

    def file(self, video: StoredVideo) -> Path | None:
        """The video's file, where it lies in the media folder; None where it does not: a row of a library may name any
        file of this machine, and may have been written by others."""
        if self.settings.media_dir is None or video.path is None or "\0" in video.path:
            return None
        folder = Path(self.settings.media_dir).resolve()
        path = Path(video.path).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None

    def name(self, video: StoredVideo) -> str | None:
        """By which agents may ask about it; None where they may not."""
        path = self.file(video)
        return None if path is None else path.relative_to(Path(self.settings.media_dir or "").resolve()).as_posix()

    def pictures(self, path: Path) -> Pictures:
        """Of a video whose :meth:`file` is there.

        Raises:
            VideoNotFoundError: it is gone by now.
        """
        key = stamp(path)  # a file that was replaced has other pictures
        kept = self._pictures.pop(key, None) or Pictures(str(path))
        self._pictures[key] = kept
        while len(self._pictures) > MAX_VIDEOS_WITH_PICTURES:
            self._pictures.popitem(last=False)
        return kept

    def source(self, video: StoredVideo) -> Source:
        """To ask this video alone, by the index that the library made.

        Raises:
            InputError: its file may not be read here.
            VideoError: it is no video.
            CorpusError: as :meth:`search`.
        """
        path = self.file(video)
        if path is None:
            raise InputError("The file of this video is not in the folder whose videos are shown here.")
        check_container(path)
        with self._held() as corpus:
            options = corpus.index_options
            made = {field.name: getattr(options, field.name) for field in fields(options)}
            return Source(path, kept=Kept(video, corpus.cache_dir, made | video.own_options))

    def close(self) -> None:
        """Let other processes in; the next question opens it again."""
        with self._guard:
            self._close()

    @contextmanager
    def _held(self) -> Iterator[VideoCorpus]:
        with self._guard:
            if self._release is not None:
                self._release.cancel()
            if self._corpus is None:
                self._corpus = self._open()
            try:
                yield self._corpus
            except CorpusError:  # the next question looks at what is there then
                self._close()
                raise
            finally:
                self._release = threading.Timer(self.idle_seconds, self.close)
                self._release.daemon = True
                self._release.start()

    def _open(self) -> VideoCorpus:
        collection = self.settings.collection
        return VideoCorpus.open(
            self.settings.library or "",
            selector=self.selector,
            server=None if collection is None else ServerOptions(collection=collection),
            cache_dir=self.settings.library_cache_dir or "auto",
            must_exist=True,
        )

    def _close(self) -> None:
        if self._corpus is not None:
            self._corpus.close()
            self._corpus = None


def lines_of(text: Any) -> tuple[str, ...]:
    """Filters as they are typed, one a line."""
    return tuple(line.strip() for line in str(text or "").splitlines() if line.strip())
