"""Selections for harnesses that take no sampler: as their own JSON, or as short clips with a task file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.integrations.lmms_eval.selection_files import FileEntry, read_selection_file
from clamr_select.selection import Selection

Form = Literal["aks", "bolt", "qca", "vlmevalkit", "clips"]
ONE_VIDEO = {"aks", "qca", "clips"}
"""Those that hold one list of frames a document, and do not name its video."""


def export(file: str | Path, *, form: Form, output: Path, questions: Sequence[dict[str, Any]] | None = None) -> Path:
    """Write our selections in another form.

    ``aks``: frame indices, a list a document, in the order of the data set; ``bolt``: seconds by video;
    ``qca``: frame indices by question id; ``vlmevalkit``: a table (tsv) with video, question and frame indices;
    ``clips``: a folder with one mp4 a question, and documents and a task file for lmms-eval that show them.

    Args:
        file: ours, from ``clamr_log`` or ``clamr-select precompute``; of one task.
        questions: the documents of the task, for ``clips``: copied, with the clip in place of the video.

    Raises:
        UnknownNameError, InputError: no such form; not a file of ours; several tasks; a document without a selection,
        or of several videos in a form that has room for one.
    """
    if form not in get_args(Form):
        raise unknown_name("form", form, get_args(Form))
    kind, entries = read_selection_file(file)
    tasks = sorted({str(entry.task) for entry in entries})
    if kind != "ours" or not entries or len(tasks) != 1:
        raise InputError(
            f"{file} holds {kind} selections of the tasks {', '.join(tasks)}; one task of ours is exported"
        )
    # a request that was asked again stands there again; the last line counts
    by_place = {(entry.doc_id, _selection(entry).video): entry for entry in entries if entry.doc_id is not None}
    # documents in order, and within one its videos as they came
    in_order = [by_place[place] for place in sorted(by_place, key=lambda place: place[0])]
    num_videos = Counter(number for number, _ in by_place)
    several = [number for number, count in num_videos.items() if count > 1]
    if several and form in ONE_VIDEO:
        raise InputError(
            f"{file} has several videos of document {several[0]} of {tasks[0]}, and {form} has room for one; "
            f"choose from {', '.join(sorted(set(get_args(Form)) - ONE_VIDEO))}"
        )
    if form == "clips":
        return _clips(in_order, task=tasks[0], folder=output, questions=questions)
    if form == "aks" and sorted(num_videos) != list(range(len(num_videos))):
        raise InputError(f"{file} lacks documents of {tasks[0]}, and AKS's form counts them all")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(_WRITERS[form](in_order), encoding="utf-8")
    return output


def _aks(entries: Sequence[FileEntry]) -> str:
    return json.dumps([list(entry.frame_indices) for entry in entries])


def _bolt(entries: Sequence[FileEntry]) -> str:
    videos: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        selection = _selection(entry)
        times = [round(seconds, 3) for seconds in selection.timestamps_seconds]
        row = {"question_id": _name(entry), "question": selection.question, "frames": times}
        videos.setdefault(str(entry.video), []).append(row)
    return json.dumps(videos, ensure_ascii=False)


def _qca(entries: Sequence[FileEntry]) -> str:
    return json.dumps({_name(entry): list(entry.frame_indices) for entry in entries})


def _vlmevalkit(entries: Sequence[FileEntry]) -> str:
    rows = ["index\tvideo\tquestion\tframe_indices\tframe_seconds"]
    for entry in entries:
        selection = _selection(entry)
        question = " ".join(selection.question.split())
        frames, seconds = json.dumps(selection.frame_indices), json.dumps(selection.timestamps_seconds)
        rows.append(f"{entry.doc_id}\t{entry.video}\t{question}\t{frames}\t{seconds}")
    return "\n".join(rows) + "\n"


_WRITERS: dict[str, Callable[[Sequence[FileEntry]], str]] = {
    "aks": _aks,
    "bolt": _bolt,
    "qca": _qca,
    "vlmevalkit": _vlmevalkit,
}
_TASK = """\
include: {included}
task: {task}
dataset_path: json
dataset_name: null
dataset_kwargs:
  data_files:
    {split}: {data}
doc_to_visual: !function clamr_select.integrations.lmms_eval.export.clip_of
process_docs: null
"""


def clip_of(doc: dict[str, Any]) -> list[str]:
    """``doc_to_visual`` of exported tasks."""
    return [doc["clamr_clip"]]


def _clips(
    entries: Sequence[FileEntry], *, task: str, folder: Path, questions: Sequence[dict[str, Any]] | None
) -> Path:
    if questions is None:
        raise InputError("clips need the documents of the task, which lmms-eval has: run where it is installed")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for entry in entries:
        selection = _selection(entry)
        seconds = max(0.01, selection.video_facts.duration_seconds / len(selection))
        clip = selection.to_clip(folder / f"{task}-{entry.doc_id}.mp4", seconds_per_frame=seconds)
        rows.append({**questions[int(entry.doc_id or 0)], "clamr_clip": str(clip.resolve())})
    data = folder / f"{task}.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows), encoding="utf-8")
    return folder


def write_clip_task(folder: Path, *, task: str, included: Path, split: str) -> Path:
    """The task file beside exported clips: the task itself, but its documents and videos."""
    file = folder / f"{task}_clips.yaml"
    # absolute, since data sets are opened from wherever lmms-eval runs; a JSON string is a quoted one of YAML
    data, base = (json.dumps(str(path.resolve()), ensure_ascii=False) for path in (folder / f"{task}.jsonl", included))
    text = _TASK.format(included=base, task=f"{task}_clips", split=split, data=data)
    file.write_text(text, encoding="utf-8")
    return file


def _name(entry: FileEntry) -> str:
    """What the data set calls its question; its number where it has no name for it."""
    return entry.ids[0] if entry.ids else str(entry.doc_id)


def _selection(entry: FileEntry) -> Selection:
    if entry.selection is None:
        raise InputError("an entry without a selection cannot be exported")
    return Selection.from_dict(entry.selection)
