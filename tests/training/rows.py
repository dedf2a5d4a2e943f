"""Rows as the paper's data gives them, made by number: also read by the script that ``torchrun`` starts."""

from __future__ import annotations

import numpy as np

from clamr_select.model.document import Document, TextSegment
from clamr_select.training.batch import TrainingBatch, TrainingQuery

WORDS = (
    "harbor",
    "lantern",
    "glacier",
    "walrus",
    "cello",
    "bugle",
    "orchard",
    "compass",
    "tunnel",
    "violin",
    "meadow",
    "anchor",
)


def keyed_batch(rows: list[int]) -> TrainingBatch:
    """One document and one query a row. Row 5 is the video of row 1 once more; videos 2 and 9 answer each other's
    questions."""
    documents, queries, keys = [], [], []
    for position, row in enumerate(rows):
        video = 1 if row == 5 else row
        rng = np.random.default_rng(video)
        frames = [rng.integers(0, 256, (28, 56, 3), dtype=np.uint8) for _ in range(1 + video % 2)]
        answers = ("video-2", "video-9") if video in (2, 9) else ()
        word = WORDS[video % len(WORDS)]
        documents.append(Document(frames, (TextSegment("asr", f"a {word}", 0, 0), TextSegment("ocr", word))))
        queries.append(TrainingQuery(f"the {word}", ("asr", "ocr")[row % 2], (position,), answer_keys=answers))
        keys.append(f"video-{video}")
    return TrainingBatch(tuple(documents), tuple(queries), tuple(keys))
