"""Many videos: which one answers, and where in it.

    with VideoCorpus.open("library", selector=FrameSelector.from_pretrained("clamr-nano")) as corpus:
        corpus.add(["talk.mp4", "lecture.mp4"])
        corpus.locate("Who signs the treaty?").hits[0].moments.timestamps_seconds

docs/library.md has the schema, the deployments and what they cost.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clamr_select.retrieval.adding import AddReport
    from clamr_select.retrieval.corpus import VideoCorpus
    from clamr_select.retrieval.files import VideoFile
    from clamr_select.retrieval.results import Hit, SearchResult, StoredVideo
    from clamr_select.retrieval.schema import CorpusOptions, Schema
    from clamr_select.retrieval.server import ServerOptions
    from clamr_select.retrieval.video_embeddings import VideoEmbeddings, bounded_embeddings

_HOMES = {
    "AddReport": "adding",
    "CorpusOptions": "schema",
    "Hit": "results",
    "Schema": "schema",
    "SearchResult": "results",
    "ServerOptions": "server",
    "StoredVideo": "results",
    "VideoCorpus": "corpus",
    "VideoEmbeddings": "video_embeddings",
    "VideoFile": "files",
    "bounded_embeddings": "video_embeddings",
}
__all__ = [
    "AddReport",
    "CorpusOptions",
    "Hit",
    "Schema",
    "SearchResult",
    "ServerOptions",
    "StoredVideo",
    "VideoCorpus",
    "VideoEmbeddings",
    "VideoFile",
    "bounded_embeddings",
]


def __getattr__(name: str) -> Any:
    # imported on first use: the command line asks for names before it needs torch
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
