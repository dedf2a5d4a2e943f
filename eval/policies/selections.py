"""Published files of selected frames, and of the scenes that hold the evidence, as their authors lay them out."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.eval.policies.records import ScoreRecord

_LOWEST_FPS, _HIGHEST_FPS = 10, 61
_RATES = {23: 24000 / 1001, 29: 30000 / 1001, 59: 60000 / 1001}
"""Of frame rates that are no whole number, what is left when they are rounded down."""
LAYOUTS = """
KFS-Bench   [{"id": …, "frame_timestamps": [seconds, …]}, …]
WFS-SB      [{"id" or "question_id" or "qid": …, "keyframe_indices": [frames, …]}, …]
BOLT        {video: [{"question_id": …, "frames": [seconds, …]}, …]}
QCA         {id: [frames, …]}
AKS         [[frames, …], …] in the order of the questions (--questions)
"""


def read_selections(
    files: Mapping[str, Path], *, question_ids: Sequence[str] | None = None
) -> dict[str, dict[str, list[float]]]:
    """Seconds of the selected frames by name of the file, then by question id.

    Where files hold frame numbers, their authors chose among one candidate a second, so the greatest common divisor of
    a question's numbers in all files together is the frame rate, rounded down as they do: 29 is 30000/1001. Questions
    where that is not 10 to 61 are left out of these files.

    Args:
        question_ids: of files that have none, in their order.

    Raises:
        InputError: no such file, none of the layouts of ``LAYOUTS``, or ids that are needed or do not fit.
    """
    read = {name: _read(path, question_ids) for name, path in files.items()}
    numbers: dict[str, list[int]] = {}
    for found in read.values():
        for question, frames in found.frames.items():
            numbers.setdefault(question, []).extend(frames)
    rates = {question: math.gcd(*frames) for question, frames in numbers.items() if frames}
    return {
        name: found.seconds
        | {
            question: [number / _RATES.get(rates[question], rates[question]) for number in sorted(frames)]
            for question, frames in found.frames.items()
            if _LOWEST_FPS <= rates.get(question, 0) <= _HIGHEST_FPS
        }
        for name, found in read.items()
    }


@dataclass(frozen=True)
class _Selected:
    """By question id: frame numbers, or seconds."""

    frames: dict[str, list[int]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)


def _read(path: Path, question_ids: Sequence[str] | None) -> _Selected:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"no such file of selections: {path}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    try:
        if not data:
            raise ValueError("nothing in it")
        if isinstance(data, dict):
            return _by_key(data)
        if isinstance(data[0], dict):
            return _by_entry(data)
        frames = [[int(number) for number in one] for one in data]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path} is no file of selections ({error!r}); known layouts:{LAYOUTS}") from error
    if question_ids is None or len(question_ids) != len(frames):
        raise InputError(
            f"{path} holds {len(frames)} selections without ids; give the benchmark's questions in the same order, "
            f"got {'none' if question_ids is None else len(question_ids)}"
        )
    return _Selected(frames=dict(zip(question_ids, frames, strict=True)))


def read_question_ids(path: Path) -> list[str]:
    """Ids of a benchmark's JSON list of questions, in order.

    Raises:
        InputError: it is no list of objects with ``id``, ``question_id`` or ``qid``.
    """
    try:
        return [_id_of(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no JSON list of questions with ids: {error!r}") from error


def read_scenes(path: Path) -> list[ScoreRecord]:
    """Evidence of KFS-Bench (columns ``id``, ``scene_id``, ``start``, ``end``; times h:mm:ss), without scores.

    Every segment of a scene is one piece of evidence. As in its script, the last second is included.

    Raises:
        InputError: no such file, or columns that are missing.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["id"], []).append((_seconds(row["start"]), _seconds(row["end"]) + 1))
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no file of scenes (id, scene_id, start, end): {error!r}") from error
    return [ScoreRecord(id=name, gold_intervals=tuple(sorted(scenes))) for name, scenes in found.items()]


def _by_key(data: Mapping[str, Any]) -> _Selected:
    first = next(iter(data.values()))
    if first and isinstance(first[0], dict):
        entries = [entry for entries in data.values() for entry in entries]
        return _Selected(seconds={_id_of(entry): [float(t) for t in entry["frames"]] for entry in entries})
    return _Selected(frames={str(name): [int(number) for number in frames] for name, frames in data.items()})


def _by_entry(data: Sequence[Mapping[str, Any]]) -> _Selected:
    if "frame_timestamps" in data[0]:
        return _Selected(seconds={_id_of(entry): [float(t) for t in entry["frame_timestamps"]] for entry in data})
    return _Selected(frames={_id_of(entry): [int(number) for number in entry["keyframe_indices"]] for entry in data})


def _id_of(entry: Mapping[str, Any]) -> str:
    for name in ("id", "question_id", "qid"):
        if name in entry:
            return str(entry[name])
    raise KeyError("id")


def _seconds(clock: str) -> float:
    parts = [float(part) for part in clock.split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))
