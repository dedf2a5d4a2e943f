"""What yt-dlp writes beside a video: ``talk.info.json`` for ``talk.mp4``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from clamr_select.context.chapters import Chapter, tidy_chapters
from clamr_select.context.plain_text import fold_white_space

SUFFIX = ".info.json"
MAX_BYTES = 32 * 1024 * 1024
"""The lists of formats and comments make such files large; one of a long video has about 1 MB."""


@dataclass(frozen=True)
class InfoJson:
    """The part of an ``.info.json`` that says what a video is about."""

    title: str | None = None
    channel: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    chapters: tuple[Chapter, ...] = ()
    """In time order, seconds from the video's start."""
    warnings: tuple[tuple[str, str], ...] = ()


def find_info_json(video_path: str | Path) -> Path | None:
    """``talk.info.json`` beside ``talk.mp4``, None where there is none."""
    path = Path(video_path).with_suffix(SUFFIX)
    return path if os.path.isfile(path) else None


def read_info_json(path: str | Path) -> InfoJson:
    """Read a file that was found beside a video. What is wrong with it is a warning: nobody named it.

    Values of another type than yt-dlp's are left out, and said.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            return _unusable(path, f"it is larger than {MAX_BYTES // 1024**2} MB")
        content = json.loads(path.read_bytes())
    except OSError as error:
        return _unusable(path, str(error.strerror))
    except (ValueError, RecursionError) as error:
        return _unusable(path, f"it is no JSON: {error}")
    if not isinstance(content, dict):
        return _unusable(path, "it is no JSON object")
    return _from_content(path, content)


def _from_content(path: Path, content: dict[str, Any]) -> InfoJson:
    strange: list[str] = []
    chapters, num_bad = _chapters(content.get("chapters"))
    if num_bad:
        strange.append(f"{num_bad} chapters")
    info = InfoJson(
        title=_text(content, "title", strange),
        channel=_text(content, "channel", strange) or _text(content, "uploader", strange),
        tags=_texts(content, "tags", strange),
        description=_text(content, "description", strange),
        chapters=chapters,
        warnings=_warning(path, f"left out, not of the type yt-dlp writes: {', '.join(strange)}") if strange else (),
    )
    return info


def _text(content: dict[str, Any], name: str, strange: list[str]) -> str | None:
    value = content.get(name)
    if isinstance(value, str):
        return fold_white_space(value) or None
    if value is not None:
        strange.append(name)
    return None


def _texts(content: dict[str, Any], name: str, strange: list[str]) -> tuple[str, ...]:
    values = content.get(name)
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        strange.append(name)
        return ()
    return tuple(text for text in map(fold_white_space, values) if text)


def _chapters(values: Any) -> tuple[tuple[Chapter, ...], int]:
    """Those that have a title and times, and how many do not."""
    if values is None:
        return (), 0
    if not isinstance(values, list):
        return (), 1
    read = [_chapter(value) for value in values]
    return tidy_chapters(chapter for chapter in read if chapter is not None), sum(c is None for c in read)


def _chapter(value: Any) -> Chapter | None:
    if not isinstance(value, dict) or not isinstance(value.get("title"), str):
        return None
    start, end = value.get("start_time"), value.get("end_time")
    if not _is_seconds(start) or not (end is None or _is_seconds(end)):
        return None
    return Chapter(float(start), float(start if end is None else end), value["title"])


def _is_seconds(value: Any) -> TypeGuard[int | float]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max  # JSON has whole numbers that no float holds


def _unusable(path: Path, reason: str) -> InfoJson:
    return InfoJson(warnings=_warning(path, f"not used: {reason}"))


def _warning(path: Path, message: str) -> tuple[tuple[str, str], ...]:
    return (("info_json", f"{path.name}: {message}"),)
