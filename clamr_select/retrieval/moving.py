"""Files that a corpus knows under another name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clamr_select.retrieval.video_embeddings import is_unicode

if TYPE_CHECKING:
    from clamr_select.retrieval.corpus import VideoCorpus


def follow(corpus: VideoCorpus, video_id: str, *, known_path: str | None, path: str) -> list[str] | None:
    """Note the new path of a file that moved: of two paths of the same bytes, the one that is known is gone. Where it
    is there, the other is a copy.

    Returns:
        Ids of older contents of the new path, which are gone; None where the file has not moved, or its name is no
        Unicode, which a corpus cannot hold.
    """
    if known_path == path or not is_unicode(path):
        return None
    if known_path is not None and os.path.exists(known_path):
        return None
    return corpus.set_path(video_id, path=path)
