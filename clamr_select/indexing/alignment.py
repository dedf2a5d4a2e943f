"""Which candidates a line of text belongs to, and which lines belong to none that can be decoded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clamr_select.context.timed_text import TimedText
from clamr_select.indexing.windows import text_segments

WORDS_LOST = "words_lost"


def candidate_range(line: TimedText, *, timestamps_seconds: np.ndarray) -> tuple[int, int]:
    """First and last candidate (inclusive) on screen while the line is heard or seen.

    A line shorter than the spacing of candidates, with none inside it, belongs to the nearest one, so that
    no word is lost between two candidates.

    Args:
        timestamps_seconds: (num_candidates,) strictly increasing, at least one.
    """
    first = int(np.searchsorted(timestamps_seconds, line.start_seconds, side="left"))
    last = int(np.searchsorted(timestamps_seconds, line.end_seconds, side="right")) - 1
    if first <= last:
        return first, last
    middle = (line.start_seconds + line.end_seconds) / 2
    nearest = int(np.argmin(np.abs(timestamps_seconds - middle)))
    return nearest, nearest


def words_by_candidate(lines: tuple[TimedText, ...], *, timestamps_seconds: np.ndarray) -> list[list[str]]:
    """For each candidate, the lines that belong to it, in time order."""
    words: list[list[str]] = [[] for _ in timestamps_seconds]
    for line in lines:
        first, last = candidate_range(line, timestamps_seconds=timestamps_seconds)
        for candidate in range(first, last + 1):
            words[candidate].append(line.text)
    return words


def lost_words(words: Mapping[str, list[list[str]]], *, decoded: np.ndarray) -> list[tuple[str, str]]:
    """The warning of lines that stand at candidates that cannot be decoded, and at no other; empty without any. They
    are not moved: the nearest frame that can be decoded may be minutes away from where they are spoken.

    Args:
        words: modality to the lines of each candidate.
        decoded: (num_candidates,) bool.
    """
    if decoded.all():
        return []  # as always but in damaged files: a skim asks this for every question
    lost = [
        segment
        for modality, lines in words.items()
        for segment in text_segments(modality, lines)
        if not decoded[segment.first_candidate or 0 : (segment.last_candidate or 0) + 1].any()
    ]
    if not lost:
        return []
    return [(WORDS_LOST, f"lines left out because no frame at their time can be decoded: {len(lost)}")]
