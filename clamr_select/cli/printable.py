"""Names and words that come from files, for a terminal."""

from __future__ import annotations


def printable_line(text: str) -> str:
    """They are shown, never obeyed: control characters could rewrite the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
