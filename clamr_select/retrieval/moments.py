"""The best frames inside the videos that were found, from the store of embeddings: nothing is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from clamr_select.indexing.cached_indexer import CacheDir, index_cached, open_store
from clamr_select.indexing.index_key import KIND
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
        indexed = from_store(hit.video, store=store, encoder=encoder)
        if indexed is None and index_options is not None and hit.video.path is not None:
            indexed = _index_again(hit.video, encoder=encoder, options=index_options, store=store)
        if indexed is None:
            warnings.append(SelectionWarning(MISSING, _missing(hit.video)))
            hits.append(hit)
            continue
        moments = indexed.select(result.question, **select)
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
) -> IndexedVideo | None:
    """None where the file is another one by now."""
    path = Path(video.path or "")
    if not path.is_file() or content_digest(path) != video.video_id:
        return None
    known = (video.index_key or {}).get("options", {})
    # titles and descriptions are a video's own, and encoded with it
    own = {name: known[name] for name in ("title", "description") if known.get(name) is not None}
    return index_cached(Indexer(encoder, options=replace(options, **own)), path, cache_dir=store)


def _missing(video: StoredVideo) -> str:
    return (
        f"the frames of {video.name} are not in the store; index it again (index_missing=True, or --index-missing), "
        f"or give the cache folder it was indexed with"
    )
