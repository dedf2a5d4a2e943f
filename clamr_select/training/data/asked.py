"""Files of queries: the released synthetic ones, and what ``clamr-select make-queries`` writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select.errors import BadRowError, InputError
from clamr_select.training.data.report import BadRow
from clamr_select.training.data.rows import check_utf8, parse_queries, parse_target
from clamr_select.training.data.sources import JsonLinesSource, read_json

TRAIN_PREFIX = "train_"


@dataclass(frozen=True)
class AskedQuery:
    """A question about a video whose row lies elsewhere."""

    place: str
    video_id: str
    queries: tuple[str, ...]
    target: str


def plain_video_id(video_id: str) -> str:
    """Without the prefix ``train_``, which the released rows have and the released queries may not.

    A prefix, not its letters: the released code's ``lstrip`` makes ``1`` of ``train_trian1``.
    """
    return video_id.removeprefix(TRAIN_PREFIX)


def read_queries(path: str | Path) -> tuple[list[AskedQuery], list[BadRow]]:
    """Queries and the entries that are none.

    Args:
        path: ``.json`` with an object from video id to ``{"query", "query_type"}`` or to a list of those; or
            ``.jsonl`` with ``{"video_id", "query", "query_type"}`` a line.

    Raises:
        InputError: nothing is there, or it is in neither form.
    """
    path = Path(path)
    asked: list[AskedQuery] = []
    bad: list[BadRow] = []
    for place, read in _entries(path):
        try:
            asked.append(_parse(read(), place=place))
        except BadRowError as error:
            bad.append(BadRow.of(error))
    return asked, bad


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """(place, function that reads the entry there)."""
    if not path.is_file():
        raise InputError(f"no queries at {path}; give a .json or .jsonl file")
    if path.suffix == ".jsonl":
        lines = JsonLinesSource(path)
        for number in range(len(lines)):
            yield lines.place(number), lambda number=number: lines[number]
        return
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold an object from video id to query, got a {type(content).__name__}")
    for video_id, value in content.items():
        for entry in value if isinstance(value, list) else [value]:
            named = {**entry, "video_id": video_id} if isinstance(entry, dict) else entry
            yield f"{path.name}[{video_id}]", lambda named=named: named


def _parse(entry: Any, *, place: str) -> AskedQuery:
    if not isinstance(entry, dict) or not isinstance(entry.get("video_id"), str) or not entry["video_id"]:
        raise BadRowError(place, "an entry needs video_id, query and query_type")
    check_utf8(entry["video_id"], field="video_id", name=place)
    name = f"{place} ({entry['video_id']})"
    queries = parse_queries(entry.get("query"), name=name)
    return AskedQuery(name, entry["video_id"], queries, parse_target(entry.get("query_type"), name=name))
