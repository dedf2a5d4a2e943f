"""What became of each file, a line each: a run that was ended goes on from there.

A line is written after its video is safe in the corpus, so the journal may know less than the corpus, never more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, TextIO

from clamr_select.errors import DamagedCorpusError, InputError
from clamr_select.text_lines import cut_torn_line

Status = Literal["done", "failed"]
_START = b'{"path": "'
"""Of every line: what does not start so is another file, and is left alone."""


@dataclass(frozen=True)
class Stamp:
    """A file as it was: another size or time of change is another file."""

    num_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: str | Path) -> Stamp | None:
        """None where there is no such file."""
        try:
            found = os.stat(path)
        except OSError:
            return None
        return cls(found.st_size, found.st_mtime_ns)


@dataclass(frozen=True)
class Line:
    """The end of one file's way."""

    path: str
    status: Status
    stamp: Stamp | None
    video_id: str | None = None
    """None where it was set aside."""
    error: str | None = None
    attempts: int = 1
    seconds: float | None = None
    """That its worker took for it, where it was encoded."""


class Journal:
    """Read when it is made, then appended to. Use as a context manager.

    Args:
        path: JSON lines; made where it is absent.

    Raises:
        InputError: as :func:`check_journal_path`.
        DamagedCorpusError: another line than the last cannot be read.
    """

    def __init__(self, path: Path) -> None:
        check_journal_path(path)
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lines = _read(path)
        self._file: TextIO = path.open("a", encoding="utf-8")

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def ended(self, path: str | Path) -> Line | None:
        """What became of a file, if it is still as it was then."""
        line = self._lines.get(str(path))
        return line if line is not None and line.stamp == Stamp.of(path) else None

    @property
    def lines(self) -> list[Line]:
        """The last of each file."""
        return list(self._lines.values())

    @property
    def failed(self) -> list[Line]:
        """Files that are set aside, in the order in which they were; without those that were removed since."""
        return [
            line
            for line in self._lines.values()
            if line.status == "failed" and (line.stamp is None or Stamp.of(line.path) is not None)
        ]

    def write(self, lines: Sequence[Line]) -> None:
        """On disk when this returns."""
        for line in lines:
            self._file.write(json.dumps(asdict(line), ensure_ascii=True) + "\n")
            self._lines.pop(line.path, None)
            self._lines[line.path] = line
        self._file.flush()
        os.fsync(self._file.fileno())

    def write_failed(self) -> Path | None:
        """The files that are set aside, with their errors, beside the journal and named after it; None, and no file,
        where none is."""
        target = self.path.with_name(f"{self.path.stem}.failed.jsonl")
        failed = self.failed
        if not failed:
            target.unlink(missing_ok=True)
            return None
        partial = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        rows = ({"path": line.path, "error": line.error, "attempts": line.attempts} for line in failed)
        partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        partial.replace(target)
        return target


def check_journal_path(path: Path) -> None:
    """Raises:
    InputError: it is a folder.
    """
    if path.is_dir():
        raise InputError(f"a journal is a file, got the folder {str(path)!r}; name a file in it")


def _read(path: Path) -> dict[str, Line]:
    if not path.exists():
        return {}
    whole, newline, torn = path.read_bytes().rpartition(b"\n")
    found: dict[str, Line] = {}
    for number, text in enumerate(whole.split(b"\n") if newline else (), start=1):
        line = _parsed(text, number, path)
        found.pop(line.path, None)
        found[line.path] = line
    if torn:  # the writer was killed within its last line; what that said is found out again
        if not (torn.startswith(_START) or _START.startswith(torn)):
            raise _no_journal(len(found) + 1, path)
        cut_torn_line(path)
    return found


def _parsed(text: bytes, number: int, path: Path) -> Line:
    try:
        values = json.loads(text)
        stamp = None if values["stamp"] is None else Stamp(**values["stamp"])
        return Line(**{**values, "stamp": stamp})
    except (ValueError, TypeError, KeyError) as error:
        raise _no_journal(number, path) from error


def _no_journal(number: int, path: Path) -> DamagedCorpusError:
    return DamagedCorpusError(
        f"line {number} of {str(path)!r} is none of a journal; name another file for it, or move this one away: what "
        f"is in the corpus is found again by its bytes"
    )
