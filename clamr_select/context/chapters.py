"""Chapters: named stretches of a video, from the container or an ``.info.json``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select.container import open_container
from clamr_select.context.plain_text import fold_white_space
from clamr_select.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True)
class Chapter:
    """One chapter."""

    start_seconds: float
    end_seconds: float
    """Never before the start."""
    title: str
    """White space folded, never empty."""


def container_chapters(video_path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Chapter, ...]:
    """Chapters that the container holds (MP4, Matroska, …), on its clock, in time order; those without a title are
    left out. None with a PyAV that cannot read them, which :func:`can_read_chapters` tells.

    Raises:
        VideoError: the file cannot be opened; see :func:`clamr_select.container.open_container`.
    """
    with open_container(video_path, limits=limits) as container:
        read: Callable[[], list[Any]] = getattr(container, "chapters", list)
        found = read()
    return tidy_chapters(
        Chapter(
            float(chapter["start"] * chapter["time_base"]),
            float(chapter["end"] * chapter["time_base"]),
            chapter["metadata"].get("title", ""),
        )
        for chapter in found
        if chapter["time_base"] is not None
    )


def can_read_chapters() -> bool:
    """Whether the installed PyAV can: 18 does, 16, which lmms-eval wants at most, does not."""
    from av.container import InputContainer

    return hasattr(InputContainer, "chapters")


def tidy_chapters(chapters: Iterable[Chapter]) -> tuple[Chapter, ...]:
    """In time order, titles on one line; without those that have no title or no time."""
    tidied = [
        Chapter(chapter.start_seconds, max(chapter.start_seconds, chapter.end_seconds), title)
        for chapter in chapters
        if (title := fold_white_space(chapter.title)) and math.isfinite(chapter.start_seconds + chapter.end_seconds)
    ]
    return tuple(sorted(tidied, key=lambda chapter: chapter.start_seconds))
