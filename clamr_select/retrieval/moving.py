"""Files that a corpus knows under another name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clamr_select.retrieval.video_embeddings import is_unicode
from clamr_select.store import content_digest

if TYPE_CHECKING:
    from clamr_select.retrieval.corpus import VideoCorpus


@dataclass(frozen=True)
class Followed:
    """What was noted of a file whose bytes are known."""

    has_moved: bool = False
    """Its new path was noted."""
    replaced: tuple[str, ...] = ()
    """Ids of older contents of its path, which are gone."""


def follow(
    corpus: VideoCorpus, video_id: str, *, known_path: str | None, path: str, is_there: bool | None = None
) -> Followed:
    """Note the new path of a file that moved: where its bytes were known to lie is nothing now, or another file. Where
    they lie there still, this one is a copy; either way, what lay at its path before is gone.

    A name that is no Unicode, which a corpus cannot hold, changes nothing.

    Args:
        is_there: whether the bytes lie at ``known_path`` still; None reads what lies there.
    """
    if known_path == path or not is_unicode(path):
        return Followed()
    if is_there or (is_there is None and known_path is not None and _holds(known_path, video_id)):
        return Followed(replaced=tuple(corpus.delete_older(path, video_id=video_id)))
    return Followed(has_moved=True, replaced=tuple(corpus.set_path(video_id, path=path)))


def _holds(path: str, digest: str) -> bool:
    """What cannot be read does not. A corpus may name any file of this machine: devices are not read."""
    try:
        return os.path.isfile(path) and content_digest(path) == digest
    except OSError:
        return False
