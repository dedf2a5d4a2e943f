"""What was written for each video and modality: one line a job, on disk before the next begins."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.text_lines import cut_torn_line


@dataclass(frozen=True)
class Refused:
    query: str
    reason: str


@dataclass(frozen=True)
class JobRecord:
    """One answered job."""

    video_id: str
    target: str
    queries: tuple[str, ...]
    refused: tuple[Refused, ...]


class Journal:
    """A file of settings (first line) and finished jobs. A line that a kill tore is taken away when it is opened.

    Raises:
        InputError: it was begun with other settings, or a line in the middle is broken.
    """

    def __init__(self, path: Path, *, settings: Mapping[str, Any]) -> None:
        self.path = path
        self._settings = json.loads(json.dumps(settings))
        path.parent.mkdir(parents=True, exist_ok=True)
        cut_torn_line(self.path)
        lines = self._lines()
        begun = next(lines, None)
        if begun is None or next(lines, None) is None:  # nothing was written yet: any settings will do
            path.unlink(missing_ok=True)
            self._append({"settings": self._settings})
        elif begun.get("settings") != self._settings:
            raise InputError(
                f"{path} was begun with other settings: {begun.get('settings')}, now {self._settings}; "
                "use the same, or another output"
            )

    def records(self) -> Iterator[JobRecord]:
        """Finished jobs, in the order they were finished."""
        lines = self._lines()
        next(lines)
        for number, line in enumerate(lines, start=2):
            try:
                refused = tuple(Refused(**entry) for entry in line["refused"])
                yield JobRecord(line["video_id"], line["target"], tuple(line["queries"]), refused)
            except (KeyError, TypeError) as error:
                raise InputError(f"line {number} of {self.path} is no finished job; move the file away") from error

    def add(self, record: JobRecord) -> None:
        """On disk when this returns."""
        self._append(asdict(record))

    def _append(self, line: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    read = json.loads(line)
                except ValueError as error:
                    raise InputError(f"line {number} of {self.path} is broken: {error}; move the file away") from error
                if not isinstance(read, dict):
                    raise InputError(f"line {number} of {self.path} is no object; move the file away")
                yield read
