"""What the name of a speech model stands for on this machine today: a name stays while its weights change."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from clamr_select.context.speech.whisper_models import downloaded_commit


def model_digest(model: str) -> str | None:
    """Of a directory's files, or the commit of what was downloaded from the hub; None where nothing was.

    Files are read once a process, and again where size, times or inode differ. The network is not asked.

    Args:
        model: a directory or a hub id.
    """
    if not os.path.isdir(model):
        return downloaded_commit(model)
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(model).iterdir() if path.is_file()):
        state = path.stat()
        content = _file_digest(str(path), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
        digest.update(f"{path.name!r} {content}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _file_digest(path: str, *_state: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
