"""One process at a time in a directory."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from clamr_select.errors import CorpusBusyError

LOCK_FILE = "corpus.lock"


class DirectoryLock:
    """Held until :meth:`release`, or until the process ends, however it ends.

    Raises:
        CorpusBusyError: it is held; names the process where that is known.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError as error:
            os.close(self._file)
            raise CorpusBusyError(
                f"the library {folder} is in use by {self._holder()}; wait for it, or keep the library on a server, "
                f"which many may use at once"
            ) from error
        os.ftruncate(self._file, 0)
        note = {"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S"), "program": Path(sys.argv[0]).name}
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, json.dumps(note).encode())

    def release(self) -> None:
        """The file stays: removing it would let two processes lock two files of one name."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _holder(self) -> str:
        try:
            note = json.loads(self._path.read_text(encoding="utf-8"))
            return f"process {note['pid']} ({note['program']}, since {note['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, 1 << 20, os.SEEK_SET)  # behind the note, so that others can read it
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
