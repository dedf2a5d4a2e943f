"""Spoken words to lines, as subtitles have them: short enough to belong to few candidate frames."""

from __future__ import annotations

from collections.abc import Iterable

from clamr_select.context.plain_text import fold_white_space
from clamr_select.context.timed_text import TimedText, TimedWord

PAUSE_SECONDS = 0.6
"""A line ends where nobody speaks for so long."""
MAX_LINE_SECONDS = 7.0
MAX_LINE_LETTERS = 84
"""The longest line and its longest text, as subtitlers count."""
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")


def spoken_lines(words: Iterable[TimedWord]) -> tuple[TimedText, ...]:
    """Lines from words in time order; each begins with its first word and ends with its last."""
    lines: list[TimedText] = []
    held: list[TimedWord] = []
    for word in words:
        if held and _ends_before(word, held):
            lines.append(_line(held))
            held = []
        held.append(word)
    return tuple([*lines, _line(held)] if held else lines)


def _ends_before(word: TimedWord, held: list[TimedWord]) -> bool:
    return (
        held[-1].text.rstrip().endswith(_SENTENCE_ENDS)
        or word.start_seconds - held[-1].end_seconds >= PAUSE_SECONDS
        or word.end_seconds - held[0].start_seconds > MAX_LINE_SECONDS
        or sum(len(each.text) for each in [*held, word]) > MAX_LINE_LETTERS
    )


def _line(words: list[TimedWord]) -> TimedText:
    known = [word.confidence for word in words if word.confidence is not None]
    return TimedText(
        start_seconds=words[0].start_seconds,
        end_seconds=max(word.end_seconds for word in words),
        text=fold_white_space("".join(word.text for word in words)),
        confidence=sum(known) / len(known) if known else None,
        words=tuple(words),
    )
