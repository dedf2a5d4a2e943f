"""A video file to what a corpus takes in: indexed as for selecting frames, through the same store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError, UnreadableVideoError, VideoNotFoundError
from clamr_select.indexing.cached_indexer import CacheDir, file_state, index_cached, open_store, video_key
from clamr_select.indexing.indexer import Indexer
from clamr_select.retrieval.video_embeddings import VideoEmbeddings, embeddings_of
from clamr_select.store import content_digest

if TYPE_CHECKING:
    from clamr_select.indexing.options import IndexOptions
    from clamr_select.indexing.progress import Progress
    from clamr_select.model.encoder import ClamrEncoder
    from clamr_select.selection import SelectionWarning

CHANGED = "the video changed while it was indexed; index it again when it is whole"


@dataclass(frozen=True)
class VideoFile:
    """A file, and what is known of it beside what it says itself.

    Raises:
        InputError: a path that no file can have.
    """

    path: str
    title: str | None = None
    """Instead of what the container or the ``.info.json`` says; encoded, and kept to filter by."""
    description: str | None = None
    """As ``title``."""
    subtitles: str | None = None
    """A file; None looks beside the video and inside it."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """JSON values to filter by and to show; not encoded."""

    def __post_init__(self) -> None:
        if "\0" in self.path:
            raise InputError(f"a path cannot hold a zero character, got {self.path!r}")

    @property
    def shown_metadata(self) -> dict[str, Any]:
        return {**({} if self.title is None else {"title": self.title}), **self.metadata}


@dataclass(frozen=True)
class IndexedFile:
    """What comes out of one."""

    embeddings: VideoEmbeddings
    warnings: tuple[SelectionWarning, ...]
    num_candidates: int
    was_stored: bool
    """Its frames were in the store, and nothing was decoded or encoded."""


def index_file(
    file: VideoFile,
    *,
    encoder: ClamrEncoder,
    options: IndexOptions,
    max_tokens: int,
    cache_dir: CacheDir = "auto",
    progress: Progress | None = None,
) -> IndexedFile:
    """
    Args:
        options: of all files; the file's own title, description and subtitles win.
        max_tokens: of a modality.
        cache_dir: where the frames' embeddings are kept, for moments inside the video; None keeps none.

    Raises:
        VideoError, ContextError, StoreError: as ``FrameSelector.index``.
        InputError: the file changed while it was read.
    """
    path = str(Path(file.path).absolute())
    options = own_options(file, options)
    key, before = None, file_state_of(path)
    if cache_dir is None:
        digest = readable_digest(path)
    else:
        cache_dir = open_store(cache_dir)
        key = video_key(path, encoder=encoder, options=options)
        digest = readable_digest(path) if key is None else str(key.values["video"])
    indexed = index_cached(Indexer(encoder, options=options, progress=progress), path, cache_dir=cache_dir)
    if file_state_of(path) != before:
        raise InputError(f"{path}: {CHANGED}")
    embeddings = embeddings_of(indexed, video_id=digest, max_tokens=max_tokens, metadata=file.shown_metadata, key=key)
    was_stored = "encode" not in indexed.timings_seconds
    return IndexedFile(embeddings, indexed.warnings, len(indexed), was_stored)


def readable_digest(path: str) -> str:
    """Of a video's bytes.

    Raises:
        VideoNotFoundError, UnreadableVideoError
    """
    try:
        return content_digest(path)
    except VideoNotFoundError:
        raise
    except OSError as error:
        raise UnreadableVideoError(f"{path!r} cannot be read: {error.strerror}") from error


def own_options(file: VideoFile, options: IndexOptions) -> IndexOptions:
    given: dict[str, Any] = {"title": file.title, "description": file.description, "subtitles": file.subtitles}
    return replace(options, **{name: value for name, value in given.items() if value is not None})


def file_state_of(path: str) -> tuple[int, int, int]:
    """Size, time of change and inode; zeros where there is no file, which indexing then says."""
    return file_state(path) if Path(path).exists() else (0, 0, 0)
