"""A row of training data: a video, what is known of it, and a question it answers (the paper's row format)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clamr_select.errors import BadRowError

TEXT_MODALITIES = ("ocr", "asr", "description")
TARGETS = ("video", *TEXT_MODALITIES)
ALIASES = {"speech": "asr"}
"""MultiVENT 2.0 says ``speech`` where its synthetic queries say ``asr``."""


@dataclass(frozen=True)
class VideoRow:
    """One row, checked. Fields are those of the released data; the last four and ``video`` may be absent."""

    name: str
    """Where it was read, for messages: ``rows.jsonl:17 (train_000884_Wp2WiEz439s)``."""
    video_id: str
    queries: tuple[str, ...]
    """One of them is drawn each time the row comes up. Empty for rows that a file of queries is joined to."""
    target: str
    """``video``, ``ocr``, ``asr``, ``description``, or empty where the row does not say."""
    images: tuple[str, ...] = ()
    """Frame files in time order, relative to the folder of frames."""
    video: str | None = None
    """A video file relative to the folder of videos."""
    ocr: str = ""
    asr: str = ""
    description: str = ""
    title: str = ""
    query_id: str = ""
    relevance: float = 1.0
    """How well the video answers, above 0; judged evaluation sets have grades."""

    def asked(self, queries: Sequence[str], *, target: str) -> VideoRow:
        """The row with other questions; ``query_id`` was that of its own."""
        return replace(self, queries=tuple(queries), target=target, query_id="")


def parse_row(raw: Mapping[str, Any], *, place: str, needs_query: bool = True) -> VideoRow:
    """Check one raw row.

    Args:
        raw: ``video_id``, ``query`` (str or list of str), ``query_type`` (``video``, ``ocr``, ``asr`` or
            ``speech``, ``description``; may be absent), ``images`` (list of str), ``video``, ``ocr``, ``asr``,
            ``description``, ``title``, ``query_id``, ``relevance``. None is absent; other fields are not read.
        place: file and line, for messages.
        needs_query: False where queries come from another file.

    Raises:
        BadRowError: names the row and says what is wrong.
    """
    if not isinstance(raw, Mapping):
        raise BadRowError(place, f"a row must be an object with fields, got {type(raw).__name__}")
    video_id = raw.get("video_id")
    if not isinstance(video_id, str) or not video_id.strip():
        raise BadRowError(place, f"video_id must be text, got {video_id!r}")
    check_utf8(video_id, field="video_id", name=place)
    name = f"{place} ({video_id})"
    row = VideoRow(
        name=name,
        video_id=video_id,
        queries=parse_queries(raw.get("query"), name=name) if needs_query else (),
        target=parse_target(raw.get("query_type"), name=name) if needs_query else "",
        images=_images(raw.get("images"), name),
        video=_text(raw, "video", name) or None,
        relevance=_relevance(raw.get("relevance"), name),
        **{field: _text(raw, field, name) for field in (*TEXT_MODALITIES, "title", "query_id")},
    )
    if not (row.images or row.video or row.ocr or row.asr or row.description or row.title):
        raise BadRowError(name, "nothing to encode: no images, no video and no text")
    return row


def parse_queries(value: object, *, name: str) -> tuple[str, ...]:
    """Raises:
    BadRowError: not text or a non-empty list of texts, or one is blank or no text in UTF-8.
    """
    queries = [value] if isinstance(value, str) else value
    if not isinstance(queries, Sequence) or not queries or not all(isinstance(q, str) and q.strip() for q in queries):
        raise BadRowError(name, f"query must be text or a list of texts, none blank, got {_short(value)}")
    for query in queries:
        check_utf8(query, field="query", name=name)
    return tuple(queries)


def parse_target(value: object, *, name: str) -> str:
    """The modality of a ``query_type``; empty for None.

    Raises:
        BadRowError: it is none of the five.
    """
    if value is None:
        return ""
    target = ALIASES.get(value, value) if isinstance(value, str) else None
    if target not in TARGETS:
        allowed = ", ".join([*TARGETS, *ALIASES])
        raise BadRowError(name, f"query_type must be one of {allowed}, or absent, got {_short(value)}")
    return target


def check_utf8(text: str, *, field: str, name: str) -> None:
    """JSON can spell half of a surrogate pair, which no tokenizer and no file takes.

    Raises:
        BadRowError: there is one; names the field.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"half of a surrogate pair, {text[error.start]!r}, at character {error.start}"
        raise BadRowError(name, f"{field} must be text that UTF-8 can hold, got {half}") from error


def _text(raw: Mapping[str, Any], field: str, name: str) -> str:
    value = raw.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRowError(name, f"{field} must be text or null, got {_short(value)}")
    check_utf8(value, field=field, name=name)
    return value.strip()


def _images(value: object, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    files = value if isinstance(value, Sequence) and not isinstance(value, str) else None
    if files is None or not all(isinstance(file, str) and file for file in files):
        raise BadRowError(name, f"images must be a list of file names, got {_short(value)}")
    for file in files:
        check_utf8(file, field="images", name=name)
    return tuple(files)


def _relevance(value: object, name: str) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise BadRowError(name, f"relevance must be a number above 0, or absent, got {_short(value)}")
    return float(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
