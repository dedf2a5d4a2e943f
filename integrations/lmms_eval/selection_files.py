"""Selections in files: ours, and those that other selectors publish, read into one form.

========== ==================================================================================================
AKS        a list with one list of frame indices a document, in the order of the data set; or the data set's
           documents with ``frame_idx``
WFS-SB     the data set's documents with ``keyframe_indices``
QCA        question id to frame indices
BOLT       video to ``[{"question_id", "question", "frames"}]``, frames in seconds
VideoITG   lines of ``{"doc_id", "index"}``
ours       lines as ``clamr_log`` and ``clamr-select precompute`` write them
========== ==================================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError

ID_FIELDS = ("question_id", "id", "qid", "question_idx", "uid")
VIDEO_FIELDS = ("videoID", "video_path", "video_name", "video_uid", "video_idx", "video_id", "video", "key")
INDEX_FIELDS = ("keyframe_indices", "frame_idx", "frame_indices")


@dataclass(frozen=True)
class FileEntry:
    """The frames one file has for one question, and all it says of which question that is."""

    frame_indices: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    """Where the file gives no indices."""
    ids: tuple[str, ...] = ()
    video: str | None = None
    question: str | None = None
    doc_id: int | None = None
    task: str | None = None
    selection: Mapping[str, Any] | None = None
    """A whole ``Selection``, from our own files."""


def file_revision(path: Path) -> str:
    """Short name of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def read_selection_file(path: str | Path) -> tuple[str, list[FileEntry]]:
    """(kind of file, its entries).

    Raises:
        InputError: no such file, or none of the forms above.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"clamr_selections: no such file: {path}")
    text = file.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return _lines(file, text)
    # a file of one line is JSON too
    if isinstance(content, dict) and ("selection" in content or {"doc_id", "index"} <= content.keys()):
        return _lines(file, text)
    if isinstance(content, dict) and content:
        values = list(content.values())
        if all(isinstance(value, list) and all(isinstance(one, dict) for one in value) for value in values):
            return "BOLT", list(_of_bolt(content))
        if all(_is_indices(value) for value in values):
            return "QCA", [FileEntry(frame_indices=tuple(value), ids=(str(name),)) for name, value in content.items()]
    if isinstance(content, list) and content:
        if all(_is_indices(one) for one in content):
            return "AKS", [FileEntry(frame_indices=tuple(one), doc_id=number) for number, one in enumerate(content)]
        if all(isinstance(one, dict) and any(name in one for name in INDEX_FIELDS) for one in content):
            kind = "WFS-SB" if "keyframe_indices" in content[0] else "AKS"
            return kind, [_of_document(one, number) for number, one in enumerate(content)]
    raise InputError(f"{path} is no file of selections that is known: AKS, WFS-SB, QCA, BOLT, VideoITG or ours")


def keys_of(doc: Mapping[str, Any]) -> tuple[str, ...]:
    """What a document may be called in such files."""
    return tuple(str(doc[name]) for name in ID_FIELDS if isinstance(doc.get(name), str | int))


def video_key(name: str) -> str:
    """Files name a video with or without its folder and suffix."""
    return Path(name).stem


def question_key(text: str) -> str:
    """BOLT keeps the first line alone."""
    return " ".join(text.strip().splitlines()[0].split()) if text.strip() else ""


def _lines(file: Path, text: str) -> tuple[str, list[FileEntry]]:
    entries = []
    kind = "ours"
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            row = json.loads(line) if line.strip() else None
        except json.JSONDecodeError as error:
            raise InputError(f"{file}, line {number}, is not JSON: {error}") from error
        if row is None:
            continue
        if isinstance(row, dict) and {"doc_id", "index"} <= row.keys():
            kind = "VideoITG"
            entries.append(FileEntry(frame_indices=tuple(row["index"]), doc_id=int(row["doc_id"])))
        elif isinstance(row, dict) and isinstance(row.get("selection"), dict):
            entries.append(_of_ours(row))
        elif isinstance(row, dict) and row.get("arm") == "uniform":
            continue  # the base sampled these itself
        else:
            raise InputError(f"{file}, line {number}, is no selection: it has neither selection nor doc_id and index")
    return kind, entries


def _of_ours(row: Mapping[str, Any]) -> FileEntry:
    selection = row["selection"]
    return FileEntry(
        frame_indices=tuple(selection["frame_indices"]),
        video=video_key(selection["video"]),
        question=question_key(selection["question"]),
        doc_id=row.get("doc_id"),
        task=row.get("task"),
        selection=selection,
    )


def _of_bolt(content: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[FileEntry]:
    for video, questions in content.items():
        for one in questions:
            yield FileEntry(
                seconds=tuple(float(seconds) for seconds in one["frames"]),
                ids=(str(one["question_id"]),) if "question_id" in one else (),
                video=video_key(video),
                question=question_key(str(one.get("question", ""))),
            )


def _of_document(doc: Mapping[str, Any], number: int) -> FileEntry:
    indices = next(doc[name] for name in INDEX_FIELDS if name in doc)
    video = next((str(doc[name]) for name in VIDEO_FIELDS if isinstance(doc.get(name), str)), None)
    question = doc.get("question")
    return FileEntry(
        frame_indices=tuple(int(index) for index in indices),
        ids=keys_of(doc),
        video=None if video is None else video_key(video),
        question=question_key(question) if isinstance(question, str) else None,
        doc_id=number,
    )


def _is_indices(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in value)
