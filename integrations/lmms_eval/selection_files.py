"""Selections in files: ours, and those that other selectors publish, read into one form.

========== ==================================================================================================
AKS        a list with one list of frame indices a document, in the order of the data set, the indices as whole
           numbers or as 29.0; or the data set's documents with ``frame_idx``
WFS-SB     the data set's documents with ``keyframe_indices``
QCA        question id to frame indices; for MLVU the id is the video and a row of MLVU's own files
BOLT       video to ``[{"question_id", "question", "frames"}]``, frames in seconds; ids may count by video
VideoITG   lines of ``{"doc_id", "index"}``; with ``logits`` the indices are ordered by score, best first
ours       lines as ``clamr_log`` and ``clamr-select precompute`` write them
========== ==================================================================================================

As their repositories hold or write them (ncTimTang/AKS, MAC-AutoML/WFS-SB, hktk07/QCA, sming256/BOLT, NVlabs/VideoITG,
read in November 2026).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.options import revision_name
from clamr_select.text_lines import numbered_lines

ID_FIELDS = ("question_id", "id", "qid", "question_idx", "uid")
VIDEO_FIELDS = ("videoID", "video_path", "video_name", "video_uid", "video_idx", "video_id", "video", "key")
INDEX_FIELDS = ("keyframe_indices", "frame_idx", "frame_indices")
QCA_ROWS_OF_MLVU = {
    "plotQA": -1113, "needle": 539, "ego": 133, "count": 691, "order": -463, "anomaly_reco": 1356,
    "topic_reasoning": 259,
}  # fmt: skip
"""QCA numbers MLVU's questions through MLVU's seven files, the data set on the hub holds them in another order of
tasks: what is to be added to a row of the latter. All 2,174 keys of QCA's file meet a document so."""


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
    ranked: bool = False
    """Whether the indices are ordered by score and are as many as were scored: the first ones are the selection."""


def file_revision(path: Path) -> str:
    """Short name of a file's content."""
    return revision_name(path.read_bytes())


def read_selection_file(path: str | Path) -> tuple[str, list[FileEntry]]:
    """(kind of file, its entries).

    Raises:
        InputError: no such file, no UTF-8 text, or none of the forms above.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"clamr_selections: no such file: {path}")
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError:
        return _lines(file)
    except UnicodeDecodeError as error:
        raise InputError(f"{str(path)!r} is not UTF-8 text: {error}; save it as UTF-8") from error
    # a file of one line is JSON too
    if isinstance(content, dict) and ("selection" in content or {"doc_id", "index"} <= content.keys()):
        return _lines(file)
    if isinstance(content, dict) and content:
        values = list(content.values())
        if all(isinstance(value, list) and all(_is_of_bolt(one) for one in value) for value in values):
            return "BOLT", list(_of_bolt(content))
        if all(_is_indices(value) for value in values):
            return "QCA", [
                FileEntry(frame_indices=_indices(value), ids=(str(name),)) for name, value in content.items()
            ]
    if isinstance(content, list) and content:
        if all(_is_indices(one) for one in content):
            return "AKS", [FileEntry(frame_indices=_indices(one), doc_id=number) for number, one in enumerate(content)]
        if all(isinstance(one, dict) and any(_is_indices(one.get(name)) for name in INDEX_FIELDS) for one in content):
            kind = "WFS-SB" if "keyframe_indices" in content[0] else "AKS"
            return kind, [_of_document(one, number) for number, one in enumerate(content)]
    raise InputError(f"{path} is no file of selections that is known: AKS, WFS-SB, QCA, BOLT, VideoITG or ours")


def keys_of(doc: Mapping[str, Any]) -> tuple[str, ...]:
    """What a document may be called in such files."""
    named = tuple(str(doc[name]) for name in ID_FIELDS if isinstance(doc.get(name), str | int))
    row, shift = str(doc.get("question_id", ""))[1:], QCA_ROWS_OF_MLVU.get(str(doc.get("task_type")))
    if shift is not None and row.isdecimal() and isinstance(doc.get("video_name"), str):
        return (*named, f"{video_key(doc['video_name'])}_{int(row) + shift}")
    return named


def video_key(name: str) -> str:
    """Files name a video with or without its folder and suffix."""
    return Path(name).stem


def question_key(text: str) -> str:
    """A question whatever its line breaks and spaces."""
    return " ".join(text.split())


def stem_key(text: str) -> str:
    """Its first line: some files keep that alone, others the options below it."""
    return question_key(text.strip().splitlines()[0]) if text.strip() else ""


def _lines(file: Path) -> tuple[str, list[FileEntry]]:
    entries = []
    kind = "ours"
    for number, line in numbered_lines(file):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{file}, line {number}, is not JSON: {error}") from error
        if isinstance(row, dict) and {"doc_id", "index"} <= row.keys():
            kind = "VideoITG"
            entries.append(_of_videoitg(row, where=f"{file}, line {number}"))
        elif isinstance(row, dict) and isinstance(row.get("selection"), dict):
            entries.append(_of_ours(row, where=f"{file}, line {number}"))
        elif isinstance(row, dict) and row.get("arm") == "uniform":
            continue  # the base sampled these itself
        else:
            raise InputError(f"{file}, line {number}, is no selection: it has neither selection nor doc_id and index")
    return kind, entries


def _of_videoitg(row: Mapping[str, Any], *, where: str) -> FileEntry:
    if not _is_indices(row["index"]):
        raise InputError(f"{where}: index must be a list of frame numbers, got {row['index']!r}")
    if not str(row["doc_id"]).isdecimal():
        raise InputError(f"{where}: doc_id must be the number of a document, got {row['doc_id']!r}")
    video = row.get("video_path")
    return FileEntry(
        frame_indices=_indices(row["index"]),
        doc_id=int(row["doc_id"]),
        video=video_key(video) if isinstance(video, str) else None,
        ranked="logits" in row,
    )


def _of_ours(row: Mapping[str, Any], *, where: str) -> FileEntry:
    selection = row["selection"]
    if not _is_indices(selection.get("frame_indices")) or not all(
        isinstance(selection.get(name), str) for name in ("video", "question")
    ):
        raise InputError(f"{where}: its selection must have frame_indices, a list of numbers, video and question")
    return FileEntry(
        frame_indices=tuple(selection["frame_indices"]),
        ids=tuple(row.get("ids", ())),
        video=video_key(selection["video"]),
        question=selection["question"],
        doc_id=row.get("doc_id"),
        task=row.get("task"),
        selection=selection,
    )


def _is_of_bolt(row: Any) -> bool:
    frames = row.get("frames") if isinstance(row, dict) else None
    return isinstance(frames, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in frames
    )


def _of_bolt(content: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[FileEntry]:
    for video, questions in content.items():
        for one in questions:
            yield FileEntry(
                seconds=tuple(float(seconds) for seconds in one["frames"]),
                ids=(str(one["question_id"]),) if "question_id" in one else (),
                video=video_key(video),
                question=str(one["question"]) if one.get("question") else None,
            )


def _of_document(doc: Mapping[str, Any], number: int) -> FileEntry:
    indices = next(doc[name] for name in INDEX_FIELDS if _is_indices(doc.get(name)))
    video = next((str(doc[name]) for name in VIDEO_FIELDS if isinstance(doc.get(name), str)), None)
    question = doc.get("question")
    return FileEntry(
        frame_indices=_indices(indices),
        ids=keys_of(doc),
        video=None if video is None else video_key(video),
        question=question if isinstance(question, str) else None,
        doc_id=number,
    )


def _is_indices(value: Any) -> bool:
    """AKS writes those of Video-MME as 29.0."""
    return isinstance(value, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) and float(one).is_integer() for one in value
    )


def _indices(values: Sequence[float]) -> tuple[int, ...]:
    return tuple(int(one) for one in values)
