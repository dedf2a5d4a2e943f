"""Advanced SubStation Alpha (.ass, .ssa)."""

from __future__ import annotations

import re

from clamr_select.context.cues import Cue, ParsedCues
from clamr_select.context.stamps import stamp_seconds

# at the start, after comment lines: a SubRip cue may well say "[Events]"
_SECTION = re.compile(r"(?:[;!][^\n]*\n\s*)*\[(?:script info|v4\+? styles|events)\]", re.IGNORECASE)
_DEFAULT_FORMAT = "layer, start, end, style, name, marginl, marginr, marginv, effect, text"
# "\{" is a brace in the text
_OVERRIDES = re.compile(r"((?<!\\)\{[^{}]*\})")
_ESCAPED_BRACE = re.compile(r"\\([{}])")
_DRAWING = re.compile(r"\\p(\d+)")


def is_ass(text: str) -> bool:
    """Whether ``text`` starts with a section of an ASS or SSA file."""
    return _SECTION.match(text) is not None


def read_ass(text: str) -> ParsedCues:
    """The dialogue of an ASS or SSA file with ``\\n`` line ends; comments and drawings are not text.

    Only ``[Events]`` is read, and here rather than with ``pysubs2.SSAFile``: that fails as a whole on one bad
    style or time, ignores the ``Format`` line, and configures the root logger.
    """
    cues: list[Cue] = []
    num_unreadable = 0
    columns = _columns(_DEFAULT_FORMAT)
    in_events = False
    for line in text.split("\n"):
        line = line.strip()
        key, _, value = line.partition(":")
        if line.startswith("[") and line.endswith("]"):
            in_events = line.lower() == "[events]"
        elif in_events and key.lower() == "format":
            columns = _columns(value)
        elif in_events and key.lower() == "dialogue":
            try:
                cues.append(_cue(value, columns))
            except (ValueError, IndexError):
                num_unreadable += 1
    return ParsedCues(tuple(cues), num_unreadable)


def plain_ass_text(text: str) -> str:
    """The text of one event: override blocks and drawings removed, line breaks and hard spaces resolved."""
    shown: list[str] = []
    drawing = False
    for part in _OVERRIDES.split(text):
        if _OVERRIDES.fullmatch(part):
            # {\p1} starts a vector drawing, {\p0} ends it; the "text" between is coordinates
            for scale in _DRAWING.findall(part):
                drawing = scale.strip("0") != ""
        elif not drawing:
            shown.append(part)
    text = "".join(shown).replace(r"\N", "\n").replace(r"\n", "\n").replace(r"\h", " ")
    return _ESCAPED_BRACE.sub(r"\1", text)


def _columns(format_line: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in format_line.split(","))


def _cue(value: str, columns: tuple[str, ...]) -> Cue:
    # the text is the last column and may hold commas itself
    fields = value.split(",", len(columns) - 1)
    start, end, text = (fields[columns.index(name)] for name in ("start", "end", "text"))
    return Cue(stamp_seconds(start), stamp_seconds(end), plain_ass_text(text))
