"""The scores of every candidate over time."""

from __future__ import annotations

from typing import Any

from clamr_select.errors import InputError
from clamr_select.indexing.indexed_video import NO_MODALITY
from clamr_select.selection import CandidateScores, Selection


def timeline_view(
    selection: Selection, *, span: tuple[float, float] | None, truth: tuple[tuple[float, float], ...]
) -> dict[str, Any]:
    """What the timeline shows of one selection.

    Args:
        span: the part that was searched, in seconds; None is the whole video.
        truth: where the answer is, for an example's own question.
    """
    candidates = selection.candidates
    if candidates is None:
        raise InputError("a timeline needs the scores of all candidates")
    facts = selection.video_facts
    return {
        "start": facts.start_seconds,
        "end": max(facts.start_seconds + facts.duration_seconds, candidates.timestamps_seconds[-1]),
        "times": [round(seconds, 3) for seconds in candidates.timestamps_seconds],
        "scores": [round(score, 4) for score in candidates.scores],
        "modalities": winning_modalities(candidates),
        "selected": [round(seconds, 3) for seconds in selection.timestamps_seconds],
        "span": None if span is None else list(span),
        "truth": [list(interval) for interval in truth],
    }


def winning_modalities(candidates: CandidateScores) -> list[str]:
    """For each candidate the modality that answers best, ``none`` where it has nothing; the first of equals."""
    best = []
    for row in zip(*candidates.scores_by_modality.values(), strict=True):
        present = [
            (score, -place, name)
            for place, (name, score) in enumerate(zip(candidates.scores_by_modality, row, strict=True))
            if score is not None
        ]
        best.append(max(present)[2] if present else NO_MODALITY)
    return best or [NO_MODALITY] * len(candidates.scores)
