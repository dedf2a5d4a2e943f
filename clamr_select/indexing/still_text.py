"""Text that stays on screen is one piece of evidence, not one for every candidate that shows it.

A contents slide or end credits stand for half a minute and hold every word a question may ask for; without
this they fill the selection with copies of themselves.
"""

from __future__ import annotations

import numpy as np

from clamr_select.context.ocr_track import line_key

SAME_TEXT_SHARE = 0.5
"""Of the lines of two candidates together: from here on they show the same text. Below 1, since a reader
loses or invents a line now and then."""


def text_runs(lines_of_candidates: list[list[str]]) -> list[list[tuple[int, frozenset[str]]]]:
    """Unbroken runs of two or more candidates, each showing the text of the one before: (candidate, lines)."""
    shown = [frozenset(line_key(line) for line in lines) for lines in lines_of_candidates]
    runs: list[list[tuple[int, frozenset[str]]]] = []
    for candidate in range(1, len(shown)):
        if not same_text(shown[candidate - 1], shown[candidate]):
            continue
        if not runs or runs[-1][-1][0] != candidate - 1:
            runs.append([(candidate - 1, shown[candidate - 1])])
        runs[-1].append((candidate, shown[candidate]))
    return runs


def repeats_text(runs: list[list[tuple[int, frozenset[str]]]], *, ocr_scores: np.ndarray) -> np.ndarray:
    """Which candidates show the text of a better one of their run.

    Within a run the best candidate by ``ocr_scores`` stands for all that show its text (the earlier of two
    equals), then the best of the others: a page that scrolls is several texts.

    Args:
        runs: from :func:`text_runs`.
        ocr_scores: (num_candidates,) of the ``ocr`` modality, ``-inf`` where there is none.

    Returns:
        (num_candidates,) bool.
    """
    repeats = np.zeros(len(ocr_scores), dtype=bool)
    for run in runs:
        kept: list[frozenset[str]] = []
        for candidate, lines in sorted(run, key=lambda entry: (-ocr_scores[entry[0]], entry[0])):
            if any(same_text(lines, other) for other in kept):
                repeats[candidate] = True
            else:
                kept.append(lines)
    return repeats


def same_text(lines: frozenset[str], other: frozenset[str]) -> bool:
    """Whether at least half of the lines of both together are in both; nothing is not the same as nothing."""
    together = lines | other
    return bool(together) and len(lines & other) >= SAME_TEXT_SHARE * len(together)
