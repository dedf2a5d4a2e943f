"""The best frames inside the videos that were found, from the store of embeddings: nothing is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from clamr_select.indexing.cached_indexer import CacheDir, index_cached, open_store
from clamr_select.indexing.index_key import KIND, files_beside
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.indexer import Indexer
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.stored_index import from_entry
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.retrieval.results import Hit, SearchResult, StoredVideo
from clamr_select.selection import Selection, SelectionWarning
from clamr_select.store import Key, Store, content_digest

MISSING = "moments_missing"


def add_moments(
    result: SearchResult,
    *,
    encoder: ClamrEncoder,
    cache_dir: CacheDir,
    index_options: IndexOptions | None,
    select: Mapping[str, Any],
) -> SearchResult:
    """
    Args:
        index_options: how videos are indexed that are no longer in the store; None leaves them without moments.
        select: arguments of ``IndexedVideo.select``.
    """
    if result.question is None or not result.hits:
        return result
    store = None if cache_dir is None else open_store(cache_dir)
    hits: list[Hit] = []
    warnings = list(result.warnings)
    for hit in result.hits:
        found: IndexedVideo | str | None = from_store(hit.video, store=store, encoder=encoder)
        if found is None and index_options is not None:
            found = _index_again(hit.video, encoder=encoder, options=index_options, store=store)
        if found is None or isinstance(found, str):
            warnings.append(SelectionWarning(MISSING, found or _missing(hit.video)))
            hits.append(hit)
            continue
        moments = found.select(result.question, **select)
        if isinstance(moments, Selection):
            hits.append(replace(hit, moments=moments))
    return replace(result, hits=tuple(hits), warnings=tuple(warnings))


def from_store(video: StoredVideo, *, store: Store | None, encoder: ClamrEncoder) -> IndexedVideo | None:
    """All frames of a video of a library, to be asked further; None where the store has them no longer."""
    if store is None or video.index_key is None:
        return None
    entry = store.get(Key(KIND, video.index_key))
    if entry is None:
        return None
    return from_entry(entry, video=video.path or video.name, encoder=encoder, timings_seconds={})


def _index_again(
    video: StoredVideo, *, encoder: ClamrEncoder, options: IndexOptions, store: Store | None
) -> IndexedVideo | str:
    """Why not, where it would be another video than was indexed."""
    path = Path(video.path or "")
    if not path.is_file() or content_digest(path) != video.video_id:
        return (
            f"the frames of {video.name} are not in the store, and its file is gone or another one by now; index it "
            f"where it lies now"
        )
    options = replace(options, **video.own_options)
    known = video.other_subtitles(files_beside(path, options)["subtitles"])
    if known is not None:
        return (
            f"the frames of {video.name} are not in the store, and it was indexed {known}, while other words would be "
            f"read now; put them beside the video as they were, or index it anew with VideoCorpus.update"
        )
    return index_cached(Indexer(encoder, options=options), path, cache_dir=store)


def _missing(video: StoredVideo) -> str:
    return (
        f"the frames of {video.name} are not in the store; index it again (index_missing=True, or --index-missing), "
        f"or give the cache folder it was indexed with"
    )
