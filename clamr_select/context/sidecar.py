"""Subtitle files that lie next to a video."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from clamr_select.context.subtitles import is_subtitle_json, load_subtitles
from clamr_select.errors import SubtitlesError, VideoNotFoundError

logger = logging.getLogger(__name__)

SIDECAR_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa", ".json")
"""In order of preference."""

# BCP 47 as file names carry it: en, eng, pt-BR, zh-Hans, en_US, and yt-dlp's en-orig
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)


def find_subtitles(video_path: str | Path) -> Path | None:
    """The subtitle file that belongs to a video by its name, None where there is none, or the folder cannot be listed.

    Taken are files in the video's folder named like the video, ``talk.srt`` for ``talk.mp4``, or with a
    language, ``talk.en.srt``. Of several, the first counts by: no language before English before other
    languages; ``.srt``, ``.vtt``, ``.ass``, ``.ssa``, ``.json``; then the name. A ``.json`` counts only when
    it holds subtitles; other formats are taken by name, and :func:`load_subtitles` says what is wrong with
    them.

    Raises:
        VideoNotFoundError: no such video.
    """
    video_path = _checked(video_path)
    try:
        return next(_sidecars(video_path), None)
    except OSError as error:
        logger.info("no subtitles are looked for beside %s: %s", video_path, error)
        return None


def find_usable_subtitles(video_path: str | Path) -> tuple[Path | None, tuple[tuple[str, str], ...]]:
    """The first subtitle file beside a video that can be read, in the order of :func:`find_subtitles`, and a (code,
    message) for those before it: nobody named them, so what is wrong with them is a warning.

    Raises:
        VideoNotFoundError: no such video.
    """
    video_path = _checked(video_path)
    try:
        paths = list(_sidecars(video_path))
    except OSError as error:
        return None, (
            ("subtitles_unused", f"the folder of {video_path} cannot be searched for subtitles: {error.strerror}"),
        )
    noted = []
    for path in paths:
        try:
            load_subtitles(path)
        except SubtitlesError as error:
            noted.append(passed_over(error))
        else:
            return path, tuple(noted)
    return None, tuple(noted)


def passed_over(error: SubtitlesError) -> tuple[str, str]:
    """The (code, message) of a file that was found and not named."""
    return "subtitles_unused", f"passed over, as it was not asked for by name: {error}"


def _checked(video_path: str | Path) -> Path:
    if not os.path.isfile(video_path):
        raise VideoNotFoundError(f"no video at {video_path}")
    return Path(video_path)


def _sidecars(video_path: Path) -> Iterator[Path]:
    """In order of preference. Raises OSError where the folder cannot be listed."""
    ranked = []
    for path in video_path.parent.iterdir():
        language = _sidecar_language(path, video_path.stem)
        if language is not None and os.path.isfile(path):
            suffix_rank = SIDECAR_SUFFIXES.index(path.suffix.lower())
            ranked.append((_language_rank(language), suffix_rank, path.name, path))
    for *_, path in sorted(ranked):
        if path.suffix.lower() != ".json" or is_subtitle_json(path):
            yield path


def _sidecar_language(path: Path, stem: str) -> str | None:
    """``""`` for ``stem.srt``, ``en`` for ``stem.en.srt``, None for a file that is no sidecar of ``stem``."""
    if path.suffix.lower() not in SIDECAR_SUFFIXES or not path.name.startswith(stem):
        return None
    rest = path.name[len(stem) : -len(path.suffix)]
    if not rest:
        return ""
    return rest[1:] if rest[0] == "." and _LANGUAGE.fullmatch(rest[1:]) else None


def _language_rank(language: str) -> tuple[int, str]:
    primary = re.split("[-_]", language.lower())[0]
    return (0 if not language else 1 if primary in ("en", "eng") else 2, language.lower())
