"""Names and words that come from files and models, for a terminal."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Persian, Indic scripts and emoji are written with them."""


def printable_line(text: str) -> str:
    """They are shown, never obeyed: control characters could rewrite the terminal."""
    return "".join(c if _is_harmless(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, and tabs."""
    return "".join(c if c in "\n\t" else printable_line(c) for c in text)


def print_json(data: Any) -> None:
    """On stdout; what is no Unicode in a file's name is escaped, as in a saved selection."""
    text = json.dumps(data, ensure_ascii=False, indent=1)
    print(text.encode("utf-8", errors="backslashreplace").decode("utf-8"))


def _is_harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs" or character in JOINERS
