"""Subtitles and chapters inside a file, read by a worker."""

from __future__ import annotations

import os
from typing import Any

from clamr_select.container import check_container
from clamr_select.context.chapters import Chapter
from clamr_select.context.timed_text import ContextTrack, TimedText
from clamr_select.isolation.process import WorkerProcess
from clamr_select.limits import DEFAULT_LIMITS, Limits, as_mapping

Path = str | os.PathLike[str]


def isolated_subtitles(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> ContextTrack | None:
    """As :func:`clamr_select.context.embedded.embedded_subtitles`; also raises ``DecoderCrashedError``."""
    track = _ask("subtitles", path, limits)["track"]
    if track is None:
        return None
    return ContextTrack(
        modality=track["modality"],
        lines=tuple(TimedText(line["start_seconds"], line["end_seconds"], line["text"]) for line in track["lines"]),
        source=track["source"],
        warnings=tuple((code, message) for code, message in track["warnings"]),
        languages=tuple(track["languages"]),
    )


def isolated_chapters(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Chapter, ...]:
    """As :func:`clamr_select.context.chapters.container_chapters`; also raises ``DecoderCrashedError``."""
    return tuple(Chapter(**chapter) for chapter in _ask("chapters", path, limits)["chapters"])


def _ask(service: str, path: Path, limits: Limits) -> dict[str, Any]:
    check_container(path, limits=limits)  # what is no media file needs no worker
    worker = WorkerProcess(repr(os.fspath(path)), max_array_bytes=0)
    try:
        answer, _ = worker.ask(service=service, path=os.path.abspath(path), limits=as_mapping(limits))
    finally:
        worker.close()
    return answer
