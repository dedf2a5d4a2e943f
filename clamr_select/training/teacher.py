"""A stronger model's scores of (question, video) pairs, for distillation: read from a file, put into batches."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from clamr_select.errors import BadRowError, InputError
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.data.asked import plain_video_id
from clamr_select.training.data.sources import JsonLinesSource

TeacherScores = Mapping[tuple[str, str], float]
"""(question in lower case with single spaces, video id) to a score.

Its scale matters: ``distill_kl`` takes it for a logit beside the similarity divided by the temperature;
``distill_margin`` compares differences of it with differences of mean cosines, which lie between -2 and 2."""


def read_teacher_scores(path: Path) -> TeacherScores:
    """Scores from ``.jsonl``, one ``{"query", "video_id", "score"}`` a line; the scores are held in memory.

    Raises:
        InputError: no such file, or it is empty.
        BadRowError: a line that is none, or a pair that has two scores.
    """
    if not path.is_file():
        raise InputError(f"no teacher scores at {path}; give a .jsonl of query, video_id, score")
    lines = JsonLinesSource(path)
    scores: dict[tuple[str, str], float] = {}
    for number in range(len(lines)):
        key, score = _parse(lines[number], place=lines.place(number))
        if scores.setdefault(key, score) != score:
            raise BadRowError(lines.place(number), f"the pair {key} has two scores, {scores[key]} and {score}")
    if not scores:
        raise InputError(f"{path} holds no teacher scores")
    return scores


class TaughtBatches(Dataset[TrainingBatch]):
    """Batches of rows with a teacher's scores of their pairs; a pair without one is unknown.

    Args:
        batches: a data set whose batches have document keys.
        asked: the rows' (question, id of a video that answers).

    Raises:
        InputError: no scored video, or no scored question, is among those asked.
    """

    def __init__(self, batches: Any, *, scores: TeacherScores, asked: Collection[tuple[str, str]]) -> None:
        known = {video for _, video in scores}
        videos = {video for _, video in asked}
        if not known & videos:
            raise InputError(
                f"the teacher has scored {len(known)} videos, and none of them is among the rows' {len(videos)}"
            )
        judged, questions = {question for question, _ in scores}, {_folded(question) for question, _ in asked}
        if not judged & questions:
            raise InputError(
                f"the teacher has scored {len(judged)} questions, and none of them is among the rows' "
                f"{len(questions)}; they are compared in lower case, with single spaces"
            )
        self.num_taught = sum((_folded(question), video) in scores for question, video in asked)
        """Of ``asked``, the pairs that have a score."""
        self._batches = batches
        self._scores = scores

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> TrainingBatch:
        batch: TrainingBatch = self._batches[number]
        queries = [
            replace(
                query,
                teacher_scores=tuple(
                    (place, self._scores.get((_folded(query.text), key), math.nan))
                    for place, key in enumerate(batch.document_keys)
                ),
            )
            for query in batch.queries
        ]
        return replace(batch, queries=tuple(queries))


def _parse(entry: Any, *, place: str) -> tuple[tuple[str, str], float]:
    query, video_id, score = (
        (entry.get(name) for name in ("query", "video_id", "score")) if isinstance(entry, dict) else (None,) * 3
    )
    if not isinstance(query, str) or not isinstance(video_id, str) or not isinstance(score, int | float):
        raise BadRowError(place, "a line needs query and video_id as text, and score as a number")
    if not math.isfinite(score):
        raise BadRowError(place, f"score must be finite, got {score}")
    return (_folded(query), plain_video_id(video_id)), float(score)


def _folded(text: str) -> str:
    return " ".join(text.lower().split())
