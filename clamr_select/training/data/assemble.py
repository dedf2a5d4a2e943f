"""Loaded rows to one training batch: a document a video, and who answers what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clamr_select.context import describe
from clamr_select.errors import BadRowError
from clamr_select.model.document import Document, TextSegment
from clamr_select.training.batch import TrainingBatch, TrainingQuery
from clamr_select.training.data.budgets import TextBudgets
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.rows import TARGETS, VideoRow


@dataclass(frozen=True)
class DrawnRow:
    """A row with its frames, the one of its questions that is asked now, and the video it is about."""

    row: VideoRow
    query: str
    frames: Sequence[np.ndarray]
    key: str
    answer_keys: tuple[str, ...]
    """All videos that answer the question, this one and those of other rows, in whatever batch."""


def assemble(
    drawn: Sequence[DrawnRow],
    *,
    dropout: Mapping[str, float],
    budgets: TextBudgets | None,
    rng: np.random.Generator,
) -> TrainingBatch:
    """Rows of one video share a document (the first row's), so they are never each other's negatives. Documents of
    all videos that answer a question are its positives.

    Raises:
        BadRowError: nothing is left of a row to encode.
    """
    keys = list(dict.fromkeys(one.key for one in drawn))
    documents = []
    for key in keys:
        first = next(one for one in drawn if one.key == key)
        asked_about = {one.row.target for one in drawn if key in one.answer_keys}
        dropped = _dropped(first, asked_about=asked_about, dropout=dropout, budgets=budgets, rng=rng)
        documents.append(row_document(first.row, frames=first.frames, budgets=budgets, dropped=dropped)[0])
    places = {key: place for place, key in enumerate(keys)}
    queries = [
        TrainingQuery(
            text=one.query,
            target=one.row.target,
            positive_documents=tuple(sorted(places[key] for key in one.answer_keys if key in places)),
            answer_keys=one.answer_keys,
        )
        for one in drawn
    ]
    return TrainingBatch(tuple(documents), tuple(queries), document_keys=tuple(keys))


def row_texts(row: VideoRow) -> dict[str, str]:
    """Modality to text, in the order of the released model; the title joins the description."""
    description = describe(row.title, description=row.description) or ""
    return {"ocr": row.ocr, "asr": row.asr, "description": description}


def _dropped(
    one: DrawnRow,
    *,
    asked_about: Collection[str],
    dropout: Mapping[str, float],
    budgets: TextBudgets | None,
    rng: np.random.Generator,
) -> set[str]:
    """Modalities that its document loses: none that a question it answers says it is about, and never all."""
    draws = dict(zip(TARGETS, rng.random(len(TARGETS)), strict=True))  # always as many, so that one rate moves no other
    texts = row_texts(one.row)
    present = {name for name, text in texts.items() if text and (budgets is None or budgets.keeps(name))}
    present |= {"video"} if len(one.frames) else set()
    dropped = {m for m in present - set(asked_about) if draws[m] < dropout.get(m, 0.0)}
    return dropped if dropped < present else set()


def row_frames(row: VideoRow, *, loader: FrameLoader, budgets: TextBudgets | None) -> Sequence[np.ndarray]:
    """The frames of a row of which something is left to encode.

    Raises:
        BadRowError: they cannot be read; or there are none, and no text within the budgets.
    """
    frames = loader.frames(row)
    if not len(frames):
        row_document(row, frames=(), budgets=budgets)
    return frames


def row_document(
    row: VideoRow, *, frames: Sequence[np.ndarray], budgets: TextBudgets | None = None, dropped: Collection[str] = ()
) -> tuple[Document, int]:
    """What is encoded of a row, and how many tokens of its texts were cut.

    Args:
        budgets: cuts its texts.
        dropped: modalities that are left out.

    Raises:
        BadRowError: nothing is left to encode.
    """
    segments = []
    num_cut = 0
    for modality, text in row_texts(row).items():
        kept, cut = text if modality not in dropped else "", 0
        if budgets is not None:
            kept, cut = budgets.cut(kept, modality=modality)
        num_cut += cut
        if kept:
            segments.append(TextSegment(modality, kept))
    shown = frames if "video" not in dropped else ()
    if not len(shown) and not segments:
        raise BadRowError(row.name, "nothing is left to encode: no frames, and no text within its budgets")
    return Document(frames=shown, texts=tuple(segments)), num_cut
