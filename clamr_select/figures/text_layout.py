"""Text that has to fit: wrapped to a width, or cut with an ellipsis."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

ELLIPSIS = "…"


def wrap_text(text: str, *, font: FreeTypeFont, max_width: int) -> list[str]:
    """Lines no wider than ``max_width`` pixels, broken between words; longer words are broken anywhere.

    Line breaks of the text are kept (answer options), other white space is folded. Never empty.
    """
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if font.getlength(longer) <= max_width:
                line = longer
                continue
            if line:
                lines.append(line)
            *whole_lines, line = _break_word(word, font=font, max_width=max_width)
            lines.extend(whole_lines)
        if line:
            lines.append(line)
    return lines or [""]


def ellipsize(text: str, *, font: FreeTypeFont, max_width: int) -> str:
    """The text on one line, white space folded, cut with ``…`` to be no wider than ``max_width`` pixels."""
    line = " ".join(text.split())
    if font.getlength(line) <= max_width:
        return line
    fits, too_long = 0, len(line)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if font.getlength(line[:middle].rstrip() + ELLIPSIS) <= max_width:
            fits = middle
        else:
            too_long = middle
    return line[:fits].rstrip() + ELLIPSIS


def _break_word(word: str, *, font: FreeTypeFont, max_width: int) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and font.getlength(pieces[-1] + character) > max_width:
            pieces.append("")
        pieces[-1] += character
    return pieces
