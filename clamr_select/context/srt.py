"""SubRip (.srt), read with pysubs2."""

from __future__ import annotations

import re

from clamr_select.context.cues import Cue, ParsedCues

_TIMING = re.compile(r"^[ \t]*-?[\d:.,]+[ \t]*-->", re.MULTILINE)
# The number of a cue: right above its timing line; or alone between blank lines, where all lines are spaced apart or
# the file ends before the cue.
_NUMBER = re.compile(
    rf"^[ \t]*\d+[ \t]*\n(?={_TIMING.pattern})"
    rf"|(?:\A|\n[ \t]*\n)[ \t]*\d+[ \t]*(?:\n[ \t]*\n(?={_TIMING.pattern})|\s*\Z)",
    re.MULTILINE,
)
_DIGITS_ONLY = re.compile(r"^(?=[^\S\n]*\d+[^\S\n]*$)", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")


def has_srt_timing(text: str) -> bool:
    """Whether a line of ``text`` looks like ``00:00:01,000 -->``."""
    return _TIMING.search(text) is not None


def read_srt(text: str) -> ParsedCues:
    """Cues of a SubRip file with ``\\n`` line ends; numbers may be missing, ``.`` may stand for ``,``."""
    from pysubs2 import SSAFile

    # pysubs2 takes quadratic time on long runs of blank lines
    text = _BLANK_LINES.sub("\n\n", text)
    # pysubs2 takes a last line of digits for the number of the next cue, and writes a line break as \N; what is text,
    # as in C:\Notes, is told apart by a word joiner, which goes with the other invisible characters
    text = _DIGITS_ONLY.sub("\u2060", _NUMBER.sub("\n", text)).replace(r"\N", "\\\u2060N")
    # tags are kept because pysubs2 would turn <i> into ASS overrides and drop unknown "<words>"
    events = SSAFile.from_string(text, format_="srt", keep_html_tags=True).events
    cues = tuple(Cue(event.start / 1000, event.end / 1000, _own_text(event.text)) for event in events)
    return ParsedCues(cues, num_unreadable=max(0, len(_TIMING.findall(text)) - len(cues)))


def _own_text(text: str) -> str:
    # a timing line that pysubs2 could not read lands, with its text, in the cue before
    return _TIMING.split(text.replace(r"\N", "\n"), maxsplit=1)[0]
