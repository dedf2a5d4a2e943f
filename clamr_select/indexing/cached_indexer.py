"""Index a video once: a second time, in this process or another, it is read from the store."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

from clamr_select.container import check_container, is_url
from clamr_select.errors import InputError, StoreError, UnreadableVideoError, VideoNotFoundError
from clamr_select.fetch import fetch
from clamr_select.indexing.index_key import files_beside, index_key, with_recognizer
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.indexer import Indexer
from clamr_select.indexing.method import of_the_run
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.progress import Stopwatch
from clamr_select.indexing.stored_index import from_entry, to_entry
from clamr_select.limits import Limits
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.identity import encoder_identity
from clamr_select.selection import SelectionWarning
from clamr_select.store import Key, Store, content_digest

CacheDir = str | Path | Store | Literal["auto"] | None
"""``auto`` is the default folder; None keeps nothing."""

FileState = tuple[int, int, int]
"""Size, time of change, and inode."""

NOT_CACHED = "not_cached"
UNKNOWN_WEIGHTS = "a part of the model's weights lies on disk, so its embeddings cannot be kept for another run"
CHANGED_VIDEO = "the video changed or went while it was read, so its embeddings were not kept"
CHANGED_TEXTS = "the files beside the video changed while it was read, so its embeddings were not kept"


def index_cached(indexer: Indexer, video: str | Path, *, cache_dir: CacheDir, allow_urls: bool = False) -> IndexedVideo:
    """The index of a video from the store, else made by ``indexer`` and stored.

    Raises:
        VideoError, ContextError: as :meth:`Indexer.index`.
        StoreError: the folder that was named cannot be used. The default one is then left alone, with a warning.
        UnsafeUrlError, FetchError: ``video`` is a URL that may not be, or cannot be fetched.
        InputError: it is a URL, and URLs are not allowed, or there is no cache to download it to.
    """
    if allow_urls and is_url(video):
        return _index_url(indexer, str(video), cache_dir)
    if cache_dir is None:
        return indexer.index(video)
    try:
        store = open_store(cache_dir)
    except StoreError as error:
        if cache_dir != "auto":
            raise
        return _with(indexer.index(video), [(NOT_CACHED, str(error))])
    return _index_once(indexer, video, store)


def _index_url(indexer: Indexer, url: str, cache_dir: CacheDir) -> IndexedVideo:
    path, store = fetched(url, cache_dir=cache_dir, limits=indexer.options.limits)
    indexed = _index_once(indexer, path, store)
    return replace(indexed, method={**indexed.method, "url": url})


def fetched(url: str, *, cache_dir: CacheDir, limits: Limits) -> tuple[Path, Store]:
    """A video of the internet in the cache, and the cache.

    Raises:
        InputError: there is none to download it to.
        UnsafeUrlError, FetchError, StoreError: as :func:`index_cached`.
    """
    if cache_dir is None:
        raise InputError("a URL is downloaded to the cache, so it needs one; give cache_dir, or a file")
    store = open_store(cache_dir)
    path = fetch(url, folder=store.downloads, limits=limits)
    return path, store.downloaded(path)


def open_store(cache_dir: str | Path | Store) -> Store:
    """Raises StoreError where the folder cannot be used."""
    if isinstance(cache_dir, Store):
        return cache_dir
    return Store(None if cache_dir == "auto" else cache_dir)


def _index_once(indexer: Indexer, video: str | Path, store: Store) -> IndexedVideo:
    store.take_warnings()  # of another video, where a store is shared
    watch, found = Stopwatch(), None
    with watch.stage("load"):
        check_container(video, limits=indexer.options.limits)
        before = file_state(video)
        key = video_key(video, encoder=indexer.encoder, options=indexer.options)
        if key is not None:
            found = store.get(key)
    if found is not None:
        indexed = from_entry(found, video=video, encoder=indexer.encoder, timings_seconds=watch.seconds)
        indexed = replace(indexed, method={**indexed.method, **of_the_run(indexer.options)})
        return _with(indexed, store.take_warnings())
    indexed = indexer.index(video, store=store)
    if key is None:
        return _with(indexed, [(NOT_CACHED, UNKNOWN_WEIGHTS)])
    if not is_unchanged(video, before):
        return _with(indexed, [*store.take_warnings(), (NOT_CACHED, CHANGED_VIDEO)])
    if not same_files_beside(key, video, options=indexer.options):
        return _with(indexed, [*store.take_warnings(), (NOT_CACHED, CHANGED_TEXTS)])
    if indexer.options.asr != "off":
        key = with_recognizer(key, indexer.options)
    store.put(key, to_entry(indexed), label=Path(video).name)
    return _with(indexed, store.take_warnings())


def video_key(video: str | Path, *, encoder: ClamrEncoder, options: IndexOptions) -> Key | None:
    """None for a model that cannot be told from others."""
    identity = encoder_identity(encoder)
    if identity is None:
        return None
    try:
        digest = content_digest(video)
    except VideoNotFoundError:
        raise
    except OSError as error:
        raise UnreadableVideoError(f"{os.fspath(video)!r} cannot be read: {error.strerror}") from error
    return index_key(video, digest=digest, options=options, encoder=identity)


def same_files_beside(key: Key, video: str | Path, *, options: IndexOptions) -> bool:
    """Whether subtitles and metadata beside a video are still those of its key."""
    now = files_beside(video, options)
    return all(key.values["options"][name] == found for name, found in now.items())


def file_state(video: str | Path) -> FileState:
    """What changes when a file does.

    Raises:
        VideoNotFoundError: there is none.
    """
    try:
        found = os.stat(video)
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"no such file: {os.fspath(video)!r}") from error
    return found.st_size, found.st_mtime_ns, found.st_ino


def is_unchanged(video: str | Path, state: FileState) -> bool:
    """Whether a file is what it was; one that is gone is not."""
    try:
        return file_state(video) == state
    except VideoNotFoundError:
        return False


def _with(indexed: IndexedVideo, warnings: list[tuple[str, str]]) -> IndexedVideo:
    noted = tuple(SelectionWarning(*warning) for warning in warnings)
    return replace(indexed, warnings=(*indexed.warnings, *noted))
