"""Under what the index of a video is stored: all that decides it, known before the video is opened."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import clamr_select
from clamr_select.context.sidecar import find_subtitles
from clamr_select.indexing.options import IndexOptions
from clamr_select.store import Key, content_digest

KIND = "embeddings"
INDEX_VERSION = 1
"""To be raised when the same video, options and model give another index than before."""
_LIBRARIES = ("av", "rapidocr")
"""What else decides which pixels and words there are."""


def index_key(video: str | Path, *, digest: str, options: IndexOptions, encoder: dict[str, Any]) -> Key:
    """The key of one video's index.

    Args:
        digest: of the video's bytes.
        encoder: from :func:`clamr_select.model.identity.encoder_identity`.
    """
    settings = asdict(options)
    settings["subtitles"] = _subtitles(video, options)
    return Key(
        KIND,
        {
            "video": digest,
            "options": {name: float(value) if name == "candidate_fps" else value for name, value in settings.items()},
            "encoder": encoder,
            "index_version": INDEX_VERSION,
            "clamr-select": clamr_select.__version__,
            **{library: version(library) for library in _LIBRARIES},
        },
    )


def _subtitles(video: str | Path, options: IndexOptions) -> list[str] | None:
    """Name and content of the file that will be read; None where there is none."""
    if options.subtitles is None:
        return ["off"]
    path = find_subtitles(video) if options.subtitles == "auto" else Path(options.subtitles)
    if path is None:
        return None
    try:
        return [path.name, content_digest(path)]
    except OSError:  # missing or unreadable: an error that indexing raises, so nothing is stored
        return [path.name]
