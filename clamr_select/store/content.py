"""Which bytes a file holds: the part of a key that makes an edited video another video."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from clamr_select.errors import VideoNotFoundError


def content_digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits; its name and times do not matter. Over 1 GB/s on most CPUs.

    Raises:
        VideoNotFoundError: there is no such file.
        OSError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"no such file: {os.fspath(path)!r}") from error
