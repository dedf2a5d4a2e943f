"""A list of videos with what is known of each: JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.payload import metadata_payload
from clamr_select.text_lines import numbered_lines

ENCODED = ("title", "description", "subtitles")
"""Texts that go into the vectors, or the file they come from; other fields are to filter by."""
SHOWN_ERRORS = 5


def read_described(path: Path) -> list[VideoFile]:
    """``{"path": "talks/a.mp4", "title": "Forces", "year": 2021, "tags": ["physics"]}``, a line a video.

    ``path`` and ``subtitles`` are relative to the list. ``title`` and ``description`` are encoded with the video; every
    other field becomes its metadata.

    Raises:
        InputError: lines that are wrong, by number.
    """
    files, wrong = [], []
    for number, line in numbered_lines(path):
        try:
            files.append(_read(line, folder=path.parent))
        except InputError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        more = f"\n… and {len(wrong) - SHOWN_ERRORS} more" if len(wrong) > SHOWN_ERRORS else ""
        raise InputError(f"{str(path)!r}: " + "\n".join(wrong[:SHOWN_ERRORS]) + more)
    return files


def _read(line: str, *, folder: Path) -> VideoFile:
    try:
        values: Any = json.loads(line)
    except ValueError as error:
        raise InputError(f"no JSON: {error}") from error
    if not isinstance(values, dict) or not isinstance(values.get("path"), str) or not values["path"].strip():
        raise InputError(f'must be an object with a "path", got {line.strip()[:80]}')
    for name in ENCODED:
        if not isinstance(values.get(name), str | None):
            raise InputError(f'"{name}" must be a text, got {values[name]!r}')
    if any("\0" in (values.get(name) or "") for name in ("path", "subtitles")):
        raise InputError(f"a path cannot hold a zero character, got {values['path']!r}")
    if isinstance(values.get("metadata"), dict):
        raise InputError(
            'put the fields of "metadata" beside "path"; all but title, description, subtitles are metadata'
        )
    metadata = {name: value for name, value in values.items() if name not in ("path", *ENCODED)}
    subtitles = values.get("subtitles")
    file = VideoFile(
        str((folder / values["path"]).absolute()),
        title=values.get("title"),
        description=values.get("description"),
        subtitles=None if subtitles is None else str((folder / subtitles).absolute()),
        metadata=metadata,
    )
    metadata_payload(file.shown_metadata, what="metadata")
    return file
