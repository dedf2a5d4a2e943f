"""Rows as a retrieval task: each video once, each question once, and which videos answer it how well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from clamr_select.errors import InputError
from clamr_select.training.data.asked import plain_video_id
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.report import BadRow, OnBadRow, raise_if_bad
from clamr_select.training.data.rows import VideoRow


@dataclass(frozen=True)
class CorpusQuestion:
    """A question to the whole corpus."""

    text: str
    target: str
    """The modality that answers: ``video``, ``ocr``, ``asr``, ``description``, or empty where the rows do not say."""
    relevance: Mapping[int, float]
    """Position of a video in the corpus to how well it answers, above 0; every other video does not."""
    cluster: str
    """The video that answers best (of equal ones the first): questions that share it are not independent. Not every
    shared video, since chains of those soon tie most of a set into one cluster, of which no interval can be drawn."""


class Corpus:
    """The videos of all rows, each once, in the order they first come; of several rows of a video the first is encoded.

    Questions are rows with one ``query_id``, or, without ids, with the same words; every text of a row's list is a
    question of its own.

    Args:
        asked: rows with their questions.
        others: rows of videos that are searched as well, whose questions (if any) are not asked.
        on_bad_row: for questions whose rows contradict each other: ``error``, or ``skip``, which leaves the rows out
            and names them in ``bad_rows``. The indexes name their own.

    Raises:
        InputError: contradictions and ``on_bad_row="error"``, or no question is left.
    """

    def __init__(self, asked: RowIndex, *, others: RowIndex | None = None, on_bad_row: OnBadRow = "error") -> None:
        indexes = [asked] if others is None else [asked, others]
        self.bad_rows: list[BadRow] = []
        self._places: list[tuple[RowIndex, int]] = []
        self._position_of: dict[str, int] = {}
        drafts: dict[str, _Draft] = {}
        digest = hashlib.sha256()
        for index in indexes:
            for number, row in enumerate(_rows(index)):
                video_id = index.video_ids[number]
                if video_id not in self._position_of:
                    self._position_of[video_id] = len(self._places)
                    self._places.append((index, number))
                    digest.update(_content(row))
                if index is asked:
                    self._ask(row, self._position_of[video_id], drafts)
        self.digest = digest.hexdigest()
        """Of what the rows of the videos say; of picture and video files the names alone."""
        raise_if_bad(self.bad_rows, num_rows=len(asked), on_bad_row=on_bad_row)
        self.bad_rows[:0] = [bad for index in indexes for bad in index.bad_rows]
        if not drafts:
            raise InputError("no question is left to ask")
        self.questions = tuple(
            CorpusQuestion(draft.text, draft.target, dict(draft.relevance), cluster=str(draft.best_video))
            for draft in drafts.values()
        )

    def __len__(self) -> int:
        """Videos."""
        return len(self._places)

    def row(self, position: int) -> VideoRow:
        """What is known of a video, read again."""
        index, number = self._places[position]
        return index[number]

    @property
    def video_ids(self) -> tuple[str, ...]:
        return tuple(self._position_of)

    def _ask(self, row: VideoRow, position: int, drafts: dict[str, _Draft]) -> None:
        if row.query_id and len(row.queries) > 1:
            self.bad_rows.append(BadRow(row.name, f"query_id {row.query_id!r} has {len(row.queries)} texts; give one"))
            return
        for text in row.queries:
            words = " ".join(text.lower().split())
            draft = drafts.setdefault(f"id {row.query_id}" if row.query_id else words, _Draft(text, row.target, words))
            if draft.words != words:
                reason = f"query_id {row.query_id!r} asks {text!r} here and {draft.text!r} elsewhere"
                self.bad_rows.append(BadRow(row.name, reason))
                continue
            draft.target = draft.target if draft.target == row.target else ""
            draft.relevance[position] = max(row.relevance, draft.relevance.get(position, 0.0))


@dataclass
class _Draft:
    text: str
    target: str
    words: str
    relevance: dict[int, float] = field(default_factory=dict)

    @property
    def best_video(self) -> int:
        return max(self.relevance, key=lambda video: self.relevance[video])


def _rows(index: RowIndex) -> Iterator[VideoRow]:
    return (index[number] for number in range(len(index)))


def _content(row: VideoRow) -> bytes:
    fields = [plain_video_id(row.video_id), row.images, row.video, row.ocr, row.asr, row.description, row.title]
    return json.dumps(fields).encode() + b"\n"
