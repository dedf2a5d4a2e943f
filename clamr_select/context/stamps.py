"""Time stamps as subtitle files write them."""

from __future__ import annotations

import re

_STAMP = re.compile(r"(?:(\d{1,10}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d{1,9})?)", re.ASCII)


def stamp_seconds(stamp: str) -> float:
    """Seconds of ``HH:MM:SS.mmm``, hours and fraction optional, ``,`` allowed for ``.``.

    Raises:
        ValueError: not such a stamp.
    """
    match = _STAMP.fullmatch(stamp.strip())
    if match is None:
        raise ValueError(f"{stamp[:40]!r} is not a time like 00:01:02.345")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
