"""Subtitles in JSON: LongVideoBench's two layouts and what Whisper's tools write."""

from __future__ import annotations

import json
import math
from typing import Any

from clamr_select.context.cues import Cue, ParsedCues
from clamr_select.context.stamps import stamp_seconds


def read_subtitle_json(text: str) -> ParsedCues | None:
    """Cues of a JSON file, None where its layout is not one of these:

    - ``[{"start": "00:00:01.000", "end": …, "line": "…"}, …]`` (LongVideoBench),
    - ``[{"timestamp": [1.0, 2.5 | null], "text": "…"}, …]`` (LongVideoBench, its automatic transcripts),
    - ``{"segments": [{"start": 1.0, "end": 2.5, "text": "…"}, …]}`` (Whisper; word times are not used),
    - ``{"chunks": [{"timestamp": [1.0, 2.5 | null], "text": "…"}, …]}`` (transformers' Whisper pipeline).

    Raises:
        ValueError: not JSON.
    """
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    items = _items(data)
    if not items or not any(_is_cue(item) for item in items):
        return None
    cues = [_cue(item) for item in items]
    readable = tuple(cue for cue in cues if cue is not None)
    return ParsedCues(readable, num_unreadable=len(cues) - len(readable))


def _items(data: Any) -> list[Any] | None:
    if isinstance(data, dict):
        data = data.get("segments", data.get("chunks"))
    return data if isinstance(data, list) else None


def _is_cue(item: Any) -> bool:
    if not isinstance(item, dict):
        return False
    return ("text" in item or "line" in item) and ("timestamp" in item or {"start", "end"} <= set(item))


def _cue(item: Any) -> Cue | None:
    if not _is_cue(item):
        return None
    times = item["timestamp"] if "timestamp" in item else [item["start"], item["end"]]
    text = item.get("text", item.get("line"))
    if not isinstance(times, list) or len(times) != 2 or not isinstance(text, str):
        return None
    start, end = _seconds(times[0]), _seconds(times[1])
    if start is None or (end is None and times[1] is not None):
        return None
    return Cue(start, end, text)


def _seconds(value: Any) -> float | None:
    """None where ``value`` is not a time; Python reads NaN, Infinity and huge integers as JSON, too."""
    if isinstance(value, str):
        try:
            return stamp_seconds(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None
