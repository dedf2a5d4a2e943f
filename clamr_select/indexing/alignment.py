"""Which candidates a line of text belongs to."""

from __future__ import annotations

import numpy as np

from clamr_select.context.timed_text import TimedText


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
