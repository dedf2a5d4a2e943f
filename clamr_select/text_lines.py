"""Files of lines: lists and JSON lines that are read, and those that a killed process was writing."""

from __future__ import annotations

import os
from pathlib import Path

from clamr_select.errors import InputError

BLOCK_BYTES = 64 * 1024


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """Those that are not empty, with their numbers from 1, without a byte order mark.

    Line feeds and carriage returns end them: JSON texts may hold what else ``str.splitlines`` splits at, e.g. U+2028.

    Raises:
        InputError: it is not UTF-8 text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{str(path)!r} is not UTF-8 text: {error}; save it as UTF-8") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def cut_torn_line(path: Path) -> None:
    """Remove what stands behind the last line feed, where a file is: its writer was killed within a line."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        whole = end = size
        while end:
            start = max(0, end - BLOCK_BYTES)
            file.seek(start)
            whole = start + file.read(end - start).rfind(b"\n") + 1
            if whole > start:
                break
            end = start
        if whole < size:
            file.truncate(whole)
