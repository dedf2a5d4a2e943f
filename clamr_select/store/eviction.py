"""Keeps the store below a number of bytes: what was unused for the longest time goes first."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from clamr_select.store.layout import OwnFile, own_files

_ABANDONED_SECONDS = 3600.0
"""A temporary file this old has no writer any more: it was killed."""
_SLACK = 16
"""A sixteenth of the bytes allowed is written between two looks at the folder, and freed in one go."""


class Budget:
    """Counts what this process writes, and looks at the folder when that could matter: others write too."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._until_look = 0
        """Bytes that may be written before the folder is looked at again."""

    def written(self, num_bytes: int, *, keep: Collection[Path]) -> None:
        """To be called after an entry was written; evicts others than ``keep`` where there are too many bytes."""
        self._until_look -= num_bytes
        if self._until_look < 0:
            total = self._evict(keep)
            self._until_look = min(self._max_bytes - total, self._max_bytes // _SLACK)

    def _evict(self, keep: Collection[Path]) -> int:
        """The bytes that are left."""
        files = list(own_files(self._folder))
        total = sum(file.num_bytes for file in files)
        living = time.time() - _ABANDONED_SECONDS
        wanted = total if total <= self._max_bytes else self._max_bytes - self._max_bytes // _SLACK
        for file in sorted(files, key=lambda file: (file.state != "damaged", file.last_used_seconds)):
            abandoned = file.state == "temporary" and file.last_used_seconds < living
            too_much = total > wanted and file.state != "temporary" and file.path not in keep
            if (abandoned or too_much) and delete(file):
                total -= file.num_bytes
        return total


def delete(file: OwnFile) -> bool:
    """Whether it is gone; Windows keeps what someone reads, and a folder that is only read keeps everything."""
    try:
        file.path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
