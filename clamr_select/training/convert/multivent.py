"""MultiVENT 2.0 to rows: with its human queries, with synthetic ones (MultiVENT 2.0++), or without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.training.convert.multivent_files import VideoFiles, read_frame_mapping
from clamr_select.training.convert.tables import read_pairs
from clamr_select.training.convert.writing import ConversionReport, Make, write_rows
from clamr_select.training.data.asked import plain_video_id, read_queries
from clamr_select.training.data.report import OnBadRow
from clamr_select.training.data.sources import JsonLinesSource

QUERY_TYPES = {"base": "video", "ocr": "ocr", "speech": "speech", "description": "description"}
"""The kind in a query id (``internvid_english_sports_pov_base_0``) to the row's ``query_type``."""


@dataclass(frozen=True)
class Multivent:
    """A copy of MultiVENT 2.0.

    Args:
        root: its folder, laid out as it is published.
        frame_mapping: JSON object from video file to the numbers of its frames.
        split: ``train`` or another folder of the same layout.
        frames_dir: where the frames lie; frames that are not there are left out of the rows, and counted. None
            lists them unseen.
        num_frames: the first so many of the mapping, at least 1; the paper's is 10.
    """

    root: Path
    frame_mapping: Path
    split: str = "train"
    frames_dir: Path | None = None
    num_frames: int = 10

    def videos(self) -> list[tuple[VideoFiles, list[int]]]:
        """Raises:
        InputError: the mapping cannot be read, or ``num_frames`` < 1.
        """
        if self.num_frames < 1:
            raise InputError(f"num_frames must be at least 1, got {self.num_frames}")
        return read_frame_mapping(self.frame_mapping, root=self.root, split=self.split)

    def document(self, files: VideoFiles, numbers: Sequence[int], *, report: ConversionReport) -> dict[str, Any]:
        """The row of a video, without a question."""
        images = [files.frame_file(number) for number in numbers[: self.num_frames]]
        if self.frames_dir is not None:
            images = [name for name in images if (self.frames_dir / name).is_file()]
        ocr, asr, metadata = files.ocr(), files.asr(), files.metadata()
        found = {"frames": images, "OCR": ocr, "ASR": asr, "metadata": metadata}
        for what, value in found.items():
            if not value:
                report.lacks(what, files.video_id)
        return {
            "video_id": files.video_id,
            "images": images,
            "ocr": ocr or "",
            "asr": asr or "",
            "description": (metadata or {}).get("description", ""),
            "title": (metadata or {}).get("title", ""),
        }


def convert_documents(multivent: Multivent, *, output: Path, on_bad_row: OnBadRow = "error") -> ConversionReport:
    """One row a video, without questions: for a file of queries to be joined, or to make some.

    Raises:
        InputError: nothing to read, or bad rows.
    """
    report = ConversionReport()
    makers = (
        (files.video_id, partial(multivent.document, files, numbers, report=report))
        for files, numbers in multivent.videos()
    )
    write_rows(makers, output=output, report=report, on_bad_row=on_bad_row, asked=False)
    return report


def convert_synthetic(
    multivent: Multivent, *, queries: Path, output: Path, on_bad_row: OnBadRow = "error"
) -> ConversionReport:
    """One row a query of a MultiVENT 2.0++ file (video id to ``{"query", "query_type"}``).

    Raises:
        InputError: nothing to read, or bad rows; a query about a video that is not there is one.
    """
    asked, bad = read_queries(queries)
    report = ConversionReport(bad_rows=list(bad))
    videos = {plain_video_id(files.video_id): (files, numbers) for files, numbers in multivent.videos()}

    def makers() -> Iterator[tuple[str, Make]]:
        for query in asked:
            fields = {"query": list(query.queries) if len(query.queries) > 1 else query.queries[0]}
            fields["query_type"] = query.target or None  # type: ignore[assignment]
            found = videos.get(plain_video_id(query.video_id))
            yield query.place, partial(_row, multivent, found, fields, report, f"no video {query.video_id}")

    write_rows(makers(), output=output, report=report, on_bad_row=on_bad_row, asked=True)
    return report


def convert_judged(
    multivent: Multivent, *, queries: Path, judgments: Path, output: Path, on_bad_row: OnBadRow = "error"
) -> ConversionReport:
    """One row for each pair of a human query and a video that was judged relevant.

    Args:
        queries: CSV of query id and query.
        judgments: JSON lines of ``{"query_id", "doc_id", "relevance"}``; those of relevance 0 give no row, the
            others keep theirs.

    Raises:
        InputError: nothing to read, or bad rows.
    """
    texts_of: dict[str, set[str]] = {}
    for _, query_id, text in read_pairs(queries):
        texts_of.setdefault(query_id, set()).add(text)
    report = ConversionReport()
    videos: dict[str, list[tuple[VideoFiles, list[int]]]] = {}
    for files, numbers in multivent.videos():
        videos.setdefault(files.name, []).append((files, numbers))
    source = _open_lines(judgments)

    def make(number: int) -> dict[str, Any]:
        query_id, doc_id, relevance = _judgment(source[number])
        found = videos.get(doc_id, [])
        if len(found) > 1:
            raise InputError(f"{len(found)} videos are called {doc_id}: {', '.join(f.video_id for f, _ in found)}")
        texts = sorted(texts_of.get(query_id, ()))
        if not texts:
            raise InputError(f"no query {query_id}")
        if len(texts) > 1:
            raise InputError(f"{len(texts)} queries are called {query_id}: {texts}")
        fields: dict[str, Any] = {"query": texts[0], "query_type": query_type(query_id)}
        fields |= {"query_id": query_id, "relevance": relevance}
        return _row(multivent, found[0] if found else None, fields, report, f"no video {doc_id}")

    def makers() -> Iterator[tuple[str, Make]]:
        for number in range(len(source)):
            if not _is_irrelevant(source, number):
                yield source.place(number), partial(make, number)

    write_rows(makers(), output=output, report=report, on_bad_row=on_bad_row, asked=True)
    return report


def query_type(query_id: str) -> str:
    """``speech`` for ``…_speech_3``: the last whole part of the id that names a kind.

    Raises:
        InputError: no part does.
    """
    for part in reversed(query_id.split("_")):
        kind = re.sub(r"\d+$", "", part)
        if kind in QUERY_TYPES:
            return QUERY_TYPES[kind]
    raise InputError(f"query id {query_id!r} names none of {', '.join(QUERY_TYPES)}")


def _row(
    multivent: Multivent,
    found: tuple[VideoFiles, list[int]] | None,
    fields: dict[str, Any],
    report: ConversionReport,
    absent: str,
) -> dict[str, Any]:
    if found is None:
        raise InputError(f"{absent} in {multivent.frame_mapping.name}")
    return {**multivent.document(*found, report=report), **fields}


def _open_lines(path: Path) -> JsonLinesSource:
    if not path.is_file():
        raise InputError(f"no judgments at {path}")
    return JsonLinesSource(path)


def _judgment(raw: Any) -> tuple[str, str, float]:
    if not isinstance(raw, dict) or not {"query_id", "doc_id", "relevance"} <= raw.keys():
        raise InputError(f"a judgment needs query_id, doc_id and relevance, got {json.dumps(raw)[:80]}")
    return str(raw["query_id"]), str(raw["doc_id"]), raw["relevance"]


def _is_irrelevant(source: JsonLinesSource, number: int) -> bool:
    """False for what cannot be read: that is a bad row, named when it is made."""
    try:
        return _judgment(source[number])[2] == 0
    except InputError:
        return False
