"""Times that an answer cites, found in its text, so that a reader can go there."""

from __future__ import annotations

import re
from typing import Any

from clamr_select.selection import Selection

CLOCK = r"(?:(?P<hours>\d{1,2}):)?(?P<minutes>\d{1,3}):(?P<seconds>[0-5]\d(?:\.\d+)?)(?![\d:])"
NUMBER = r"(?:(?<!\w)-)?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
"""``1,234.5``; a dash after a digit or a letter is no sign, as in ``10-20 s``."""
SPOKEN = rf"(?P<plain>{NUMBER})[ \u00a0]?(?:seconds?|secs?\.?|s)\b(?!\s*(?:ago|later|long|of)\b)"
CITED = re.compile(rf"<?(?<![\d:.]){CLOCK}>?|<?(?<![\d:.,]){SPOKEN}>?")
SLACK_SECONDS = 1.0
"""Past the end of the video: models round."""


def split_cited_times(text: str, selection: Selection) -> list[dict[str, Any]]:
    """A text in consecutive pieces: ``{"text": …}``, and for a time within the video ``{"text": …, "seconds": …}``.

    Times are those that frames were labelled with: ``<12.3 seconds>``, ``1,234.5 s``, ``02:14``, ``1:02:03.5``; the
    marks of the first are left out. Numbers are English: ``12,5 s`` is no time. What lies outside the video is no
    citation and stays text. Durations ("5 seconds later", "3 seconds long") are none either.
    """
    facts = selection.video_facts
    first = facts.start_seconds
    last = first + facts.duration_seconds + SLACK_SECONDS
    pieces: list[dict[str, Any]] = []
    at = 0
    for match in CITED.finditer(text):
        seconds = _seconds(match)
        if not first <= seconds <= last:
            continue
        if match.start() > at:
            pieces.append({"text": text[at : match.start()]})
        pieces.append({"text": match.group().strip("<>"), "seconds": min(seconds, last - SLACK_SECONDS)})
        at = match.end()
    return [*pieces, {"text": text[at:]}] if at < len(text) else pieces


def _seconds(match: re.Match[str]) -> float:
    if match["plain"] is not None:
        return float(match["plain"].replace(",", ""))
    return int(match["hours"] or 0) * 3600 + int(match["minutes"]) * 60 + float(match["seconds"])
