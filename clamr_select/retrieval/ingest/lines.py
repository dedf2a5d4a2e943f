"""The lines of a list of videos."""

from __future__ import annotations

from pathlib import Path

from clamr_select.errors import InputError


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """Those that are not empty, with their numbers from 1, without a byte order mark.

    Line feeds alone end them: JSON texts may hold the other ends of lines that Python knows, e.g. U+2028.

    Raises:
        InputError: it is not UTF-8 text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{str(path)!r} is not UTF-8 text: {error}; save the list as UTF-8") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
