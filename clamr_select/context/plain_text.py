"""From marked-up subtitle text to plain text: tags, entities, control characters and white space."""

from __future__ import annotations

import html
import re

# Tags that SubRip and WebVTT files carry. Only these are markup: "the <div> tag" and "x <y> z" stay.
_TAG = re.compile(r"</?(?:b|i|u|s|c|v|em|strong|strike|font|span|p|lang|ruby|rt)(?:[\s./][^<>]*)?>", re.IGNORECASE)
_LINE_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
# The times at which single words of a WebVTT cue appear: <00:01:02.345>
_INLINE_STAMP = re.compile(r"<\d[\d:.]*>")
# Positioning that SubRip files borrow from ASS: {\an8}
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_INVISIBLE = dict.fromkeys(
    [
        *(code for code in range(32) if not chr(code).isspace()),
        *range(0x7F, 0xA0),
        0xAD,  # soft hyphen
        0x200B,  # zero-width space
        *range(0x200E, 0x2010),  # direction marks, as broadcasters put around right-to-left lines
        *range(0x202A, 0x202F),
        0x2060,  # word joiner
        *range(0x2066, 0x206A),
        0xFEFF,
        *range(0xD800, 0xE000),  # lone surrogates, which JSON can spell and UTF-8 cannot
    ]
)


def fold_white_space(text: str) -> str:
    """``text`` on one line: runs of white space become one space, invisible characters go."""
    return " ".join(text.translate(_INVISIBLE).split())


def plain_lines(text: str) -> tuple[str, ...]:
    """The lines of a cue without markup, entities resolved, white space folded, empty lines left out."""
    text = _LINE_BREAK.sub("\n", text)
    for markup in (_INLINE_STAMP, _TAG, _OVERRIDE):
        text = markup.sub("", text)
    # after the tags: "&lt;i&gt;" is text about a tag, not a tag
    folded = (fold_white_space(html.unescape(line)) for line in text.split("\n"))
    return tuple(line for line in folded if line)
