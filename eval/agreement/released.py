"""The released selections, and the questions they were made for.

The layout is the one that ``qwen_videomme_baseline.ipynb`` of github.com/meetdavidwan/clamr reads:
``{video_id: {question_id: {"selected_frame_paths": [path, …], "subtitles": [line, …]}}}`` and, for Video-MME, a list
of ``{"videoID", "question_id", "question", "options", "duration", …}``. The notebook does not say how frame files are
named; what is read here is the last number in a file's name, one a candidate in order of time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from clamr_select.errors import InputError

POOL = 768
"""Candidates a video in the paper."""
_NUMBER = re.compile(r"(\d+)(?=\D*$)")


@dataclass(frozen=True)
class ReleasedSelection:
    """The frames that were selected for one question."""

    video_id: str
    question_id: str
    positions: tuple[int, ...]
    """Of the candidates, 0 the first in time, increasing."""
    subtitles: tuple[str, ...]
    """A line for each frame, ``N/A`` where nothing is said."""


def read_selections(path: Path, *, first_number: int | None = None, pool: int = POOL) -> list[ReleasedSelection]:
    """Read a file of selections.

    Args:
        first_number: what the first candidate's file is numbered, 0 or 1; None finds it in the file: 0 where a frame
            has that number, 1 where one has the number ``pool``.
        pool: candidates a video.

    Raises:
        InputError: not a file, not JSON, not this layout, or numbers that fit no numbering; it names the place.
    """
    data = _object(_json(path), f"{path}")
    numbered: list[tuple[str, str, list[int], list[str]]] = []
    for video_id, questions in data.items():
        for question_id, entry in _object(questions, f"{path}: [{video_id!r}]").items():
            place = f"{path}: [{video_id!r}][{question_id!r}]"
            entry = _object(entry, place)
            paths = _strings(entry, "selected_frame_paths", place)
            lines = _strings(entry, "subtitles", place)
            if not paths:
                raise InputError(f"{place}['selected_frame_paths'] is empty")
            numbered.append((video_id, question_id, [_number(p, place) for p in paths], lines))
    if not numbered:
        raise InputError(f"{path} holds no selection")
    first = _first_number([n for _, _, numbers, _ in numbered for n in numbers], first_number, pool=pool, path=path)
    return [_selection(*entry, first=first, pool=pool, path=path) for entry in numbered]


def read_questions(path: Path) -> dict[tuple[str, str], str]:
    """(video id, question id) to the question, of Video-MME's list.

    Raises:
        InputError: not this layout, or a question twice; it names the place.
    """
    rows = _json(path)
    if not isinstance(rows, list):
        raise InputError(f"{path} must hold a JSON list of questions, got {_kind(rows)}")
    questions = {}
    for position, row in enumerate(rows):
        place = f"{path}: [{position}]"
        row = _object(row, place)
        video_id, question_id, question = (_string(row, key, place) for key in ("videoID", "question_id", "question"))
        if (video_id, question_id) in questions:
            raise InputError(f"{place}: question {question_id!r} of video {video_id!r} is there twice")
        questions[video_id, question_id] = question
    return questions


def _selection(
    video_id: str, question_id: str, numbers: list[int], lines: list[str], *, first: int, pool: int, path: Path
) -> ReleasedSelection:
    place = f"{path}: [{video_id!r}][{question_id!r}]['selected_frame_paths']"
    positions = sorted(number - first for number in numbers)
    if positions[0] < 0 or positions[-1] >= pool:
        raise InputError(
            f"{place}: frames are numbered {min(numbers)} to {max(numbers)}, outside {first} to {first + pool - 1}; "
            "give --first-number or --pool"
        )
    if len(set(positions)) < len(positions):
        raise InputError(f"{place}: a frame is there twice")
    return ReleasedSelection(video_id, question_id, tuple(positions), tuple(lines))


def _first_number(numbers: list[int], given: int | None, *, pool: int, path: Path) -> int:
    if given is not None:
        return given
    starts_at = {0: 0 in numbers, 1: pool in numbers}
    if starts_at[0] == starts_at[1]:
        why = "both 0 and" if starts_at[0] else "neither 0 nor"
        raise InputError(
            f"{path}: cannot tell whether frames are counted from 0 or from 1 ({why} {pool} occur); give --first-number"
        )
    return 0 if starts_at[0] else 1


def _number(frame_path: str, place: str) -> int:
    match = _NUMBER.search(PurePosixPath(frame_path.replace("\\", "/")).stem)
    if match is None:
        raise InputError(f"{place}['selected_frame_paths']: no number in the file name of {frame_path!r}")
    return int(match.group(1))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{place} must be a JSON object, got {_kind(value)}")
    return value


def _string(row: Mapping[str, Any], key: str, place: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{place}[{key!r}] must be a text, got {'nothing' if value is None else repr(value)}")
    return value


def _strings(row: Mapping[str, Any], key: str, place: str) -> list[str]:
    value = row.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(
            f"{place}[{key!r}] must be a list of texts, got {'nothing' if value is None else _kind(value)}"
        )
    return value


def _kind(value: Any) -> str:
    return {list: "a list", dict: "an object", str: "a text", type(None): "null"}.get(type(value), repr(value))
