"""Late fusion of the four single modalities: ranks added up, or one modality chosen by the question's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

RRF_K = 60
"""Of Cormack, Clarke and Büttcher, SIGIR 2009."""
DEFAULT_ROUTE = "asr"
"""Of a question without any cue."""
_CUE_TEXT = {
    "asr": "said say says saying speak speaks speaking speaker spoken speech mention mentions mentioned talk talks "
    "talking hear heard voice narrator presenter explains comment commentary tell told aloud",
    "ocr": "written write reads read reading caption captions captioned text sign label labels heading slide slides "
    "banner printed displays subtitle card on-screen",
    "description": "titled title called entitled named description described metadata recording clip topic",
    "video": "see seen show shows shown showing picture visible look image camera scene frame circle square triangle "
    "star cross diamond ring arrow heart hexagon red orange yellow green cyan blue purple pink white black grey gray "
    "striped dotted outlined",
}
CUES: Mapping[str, frozenset[str]] = {modality: frozenset(text.split()) for modality, text in _CUE_TEXT.items()}
"""Words of an English question that say where its answer is."""


def mean_of_present(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over the tables that score a row, ``-inf`` where none does."""
    stacked = np.stack(tables)
    present = np.isfinite(stacked)
    count = present.sum(axis=0)
    means = np.where(present, stacked, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, means, -np.inf)


def reciprocal_rank_fusion(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of 1 / (60 + rank) over systems; equal scores share their mean rank, ``-inf`` adds nothing.

    Args:
        tables: (num_questions, num_rows) each.
    """
    return np.sum([_reciprocal_ranks(table) for table in tables], axis=0)


def _reciprocal_ranks(table: np.ndarray) -> np.ndarray:
    fused = np.zeros(table.shape)
    for row, scores in zip(fused, table, strict=True):
        _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
        mean_ranks = sizes.cumsum() - (sizes - 1) / 2
        row[:] = np.where(np.isneginf(scores), 0.0, 1 / (RRF_K + mean_ranks[group]))
    return fused


def route(question: str, *, modalities: Sequence[str] = tuple(CUES)) -> str:
    """The modality that most of the question's cue words name; equal counts: the cue that comes first.

    Args:
        modalities: what there is to choose from; without any cue the default, or the first where that is not there.
    """
    words = re.findall(r"[\w-]+", question.lower())
    found = [m for word in words for m, cues in CUES.items() if word in cues and m in modalities]
    if found:
        return max(found, key=found.count)
    return DEFAULT_ROUTE if DEFAULT_ROUTE in modalities else modalities[0]


def routed(tables: Mapping[str, np.ndarray], *, questions: Sequence[str]) -> np.ndarray:
    """Each question's row of the table of its modality."""
    chosen = [route(question, modalities=tuple(tables)) for question in questions]
    return np.stack([tables[modality][row] for row, modality in enumerate(chosen)])
