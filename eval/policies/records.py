"""Score files: JSON lines, one question each, with the scores of all candidates and the evidence."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.text_lines import numbered_lines

_NEEDED = ("id", "gold_intervals")


@dataclass(frozen=True)
class FrameTable:
    """What is known of a video's candidates beside their scores."""

    embeddings: np.ndarray
    """(num_candidates, dim) float32, rows of length 1."""
    late_interaction: np.ndarray | None = None
    """(num_candidates, num_candidates) similarities."""


@dataclass(frozen=True)
class ScoreRecord:
    """One question about one video.

    Raises:
        InputError: lengths that do not fit, or no evidence.
    """

    id: str
    gold_intervals: tuple[tuple[float, float], ...]
    """(first, last) seconds, both included."""
    timestamps_seconds: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(num_candidates,) or empty, where only selections of others are measured."""
    video: str = ""
    """Questions of one video are not independent: intervals are drawn by video. Empty: the question's own."""
    question: str = ""
    group: str = ""
    """The type of the question, a column of the table."""
    variants: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Scores of the same question asked otherwise, by name."""
    frames: FrameTable | None = None

    def __post_init__(self) -> None:
        if not self.gold_intervals:
            raise InputError(f"question {self.id!r} has no gold_intervals: nothing to measure; leave it out")
        for name, values in {"scores": self.scores, **self.variants}.items():
            if len(values) != len(self.timestamps_seconds):
                times = len(self.timestamps_seconds)
                raise InputError(f"question {self.id!r} has {times} timestamps_seconds and {len(values)} {name}")

    @property
    def cluster(self) -> str:
        """Of questions that are drawn together."""
        return self.video or self.id


def read_records(paths: Sequence[Path]) -> list[ScoreRecord]:
    """All questions of score files; a folder stands for the ``.jsonl`` files in it.

    A line has ``id``, ``gold_intervals`` ([[first, last], …] in seconds) and, for policies, ``scores`` and
    ``timestamps_seconds``; and optionally ``video``, ``question``, ``group``, ``ignored`` (positions that may answer as
    well: taken out), ``variants`` (name to scores), and ``frames``: the name of a safetensors file beside it with
    ``embeddings`` (num_candidates, dim) and, optionally, ``late_interaction`` (num_candidates, num_candidates).

    Raises:
        InputError: no such file, a line that is no such object, or two lines with one id.
    """
    records: dict[str, ScoreRecord] = {}
    for path in _files(paths):
        tables: dict[str, FrameTable] = {}
        for number, line in _lines(path):
            try:
                record = _record(line, folder=path.parent, tables=tables)
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(f"{path}, line {number}, is no scored question: {error}") from error
            if record.id in records:
                raise InputError(f"{path}, line {number}: there is a question {record.id!r} already; ids must differ")
            records[record.id] = record
    if not records:
        raise InputError(f"no scored questions in {', '.join(map(str, paths))}; give .jsonl files or folders of them")
    return list(records.values())


def record_line(record: ScoreRecord, *, frames_file: str | None, ignored: Collection[int] = ()) -> str:
    """The line of a score file for a question, scores to 6 decimals; ``ignored`` are still among its scores."""
    data: dict[str, Any] = {
        "id": record.id,
        "video": record.video,
        "question": record.question,
        "group": record.group,
        "gold_intervals": [list(pair) for pair in record.gold_intervals],
        "ignored": sorted(ignored),
        "timestamps_seconds": record.timestamps_seconds.tolist(),
        "scores": np.round(record.scores.astype(np.float64), 6).tolist(),
        "variants": {name: np.round(v.astype(np.float64), 6).tolist() for name, v in record.variants.items()},
    }
    return json.dumps(data | ({"frames": frames_file} if frames_file else {}), ensure_ascii=False)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.jsonl"))
        elif path.is_file():
            yield path
        else:
            raise InputError(f"no such score file or folder: {path}")


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in numbered_lines(path):
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}, line {number}, is not JSON: {error}") from error
        missing = [name for name in _NEEDED if not isinstance(data, dict) or name not in data]
        if missing:
            raise InputError(f"{path}, line {number}, lacks {', '.join(missing)}")
        yield number, data


def _record(line: dict[str, Any], *, folder: Path, tables: dict[str, FrameTable]) -> ScoreRecord:
    times = np.asarray(line.get("timestamps_seconds", []), dtype=np.float64)
    kept = np.setdiff1d(np.arange(len(times)), np.asarray(line.get("ignored", []), dtype=np.int64))
    if line.get("frames") and line["frames"] not in tables:
        tables[line["frames"]] = _frame_table(folder / line["frames"])
    table = tables.get(line.get("frames", ""))
    return ScoreRecord(
        id=str(line["id"]),
        gold_intervals=tuple((float(first), float(last)) for first, last in line["gold_intervals"]),
        timestamps_seconds=times[kept],
        scores=_one_each("scores", line.get("scores", []), times)[kept],
        video=str(line.get("video", "")),
        question=str(line.get("question", "")),
        group=str(line.get("group", "")),
        variants={name: _one_each(name, v, times)[kept] for name, v in line.get("variants", {}).items()},
        frames=table if table is None or len(kept) == len(times) else _some(table, kept),
    )


def _one_each(name: str, values: Sequence[float], times: np.ndarray) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != times.shape:
        raise ValueError(f"{len(times)} timestamps_seconds and {len(numbers)} {name}")
    return numbers


def _frame_table(path: Path) -> FrameTable:
    from safetensors.numpy import load_file

    if not path.is_file():
        raise InputError(f"a score file names {path.name}, which is not beside it")
    tensors = load_file(path)
    embeddings = tensors["embeddings"].astype(np.float32)
    late = tensors.get("late_interaction")
    return FrameTable(
        embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True),
        None if late is None else late.astype(np.float32),
    )


def _some(table: FrameTable, kept: np.ndarray) -> FrameTable:
    late = table.late_interaction
    return FrameTable(table.embeddings[kept], None if late is None else late[np.ix_(kept, kept)])
