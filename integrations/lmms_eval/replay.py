"""``clamr_mode=cached``: selections from a file. No model is loaded, nothing of one is even imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.selection_files import (
    FileEntry,
    file_revision,
    question_key,
    read_selection_file,
    video_key,
)
from clamr_select.integrations.plan import planned_selection
from clamr_select.selection import Selection, SelectionWarning

if TYPE_CHECKING:
    from clamr_select.integrations.lmms_eval.selecting import Wanted

SHOWN_OF_MISSING = 3


class FileSource:
    """Selections of a file, found by the question's id, else by video and question, else by the document's number.

    Raises:
        InputError: as :func:`read_selection_file`, or the file is of another revision than ``rev``.
    """

    def __init__(self, path: str, *, rev: str | None = None) -> None:
        from clamr_select.integrations.lmms_eval.selecting import check_revision

        self.path = path
        self.kind, entries = read_selection_file(path)
        self.rev = file_revision(Path(path))
        check_revision(self.rev, wanted=rev, of=f"clamr_selections={path}")
        self._by_id = {name: entry for entry in entries for name in entry.ids}
        self._by_question = {
            (entry.video, entry.question): entry for entry in entries if entry.video and entry.question
        }
        # a number alone says nothing where a file holds several tasks, or names its questions
        anonymous = [entry for entry in entries if entry.doc_id is not None and not entry.question]
        self._by_number = {str(entry.doc_id): entry for entry in anonymous}

    def select(self, wanted: Sequence[Wanted]) -> list[Selection]:
        """Raises:
        InputError: the file lacks a question, or has more frames for one than the base is to get.
        FrameDecodeError, VideoError: it names frames that the video does not have, or that are elsewhere in it.
        """
        found = [self._find(one) for one in wanted]
        missing = [one for one, entry in zip(wanted, found, strict=True) if entry is None]
        if missing:
            asked = "; ".join(f"{one.task} {one.doc_id}: {one.query!r}" for one in missing[:SHOWN_OF_MISSING])
            raise InputError(f"{self.path} ({self.kind}) lacks {len(missing)} of {len(wanted)} questions, e.g. {asked}")
        return [self._selection(entry, one) for entry, one in zip(found, wanted, strict=True) if entry is not None]

    def release(self) -> None:
        """Nothing is held."""

    def describe(self) -> Mapping[str, Any]:
        return {"selections": self.path, "kind": self.kind, "rev": self.rev}

    def _find(self, wanted: Wanted) -> FileEntry | None:
        by_id = next((self._by_id[name] for name in wanted.ids if name in self._by_id), None)
        by_question = self._by_question.get((video_key(wanted.video), question_key(wanted.query)))
        return by_id or by_question or self._by_number.get(wanted.doc_id)

    def _selection(self, entry: FileEntry, wanted: Wanted) -> Selection:
        from clamr_select.video import open_video

        warnings: list[SelectionWarning] = []
        with open_video(wanted.video) as reader:
            named = entry.frame_indices or _nearest(entry.seconds, reader.timestamps_seconds)
            indices = sorted(set(named))
            if len(indices) < len(named):
                message = f"the file names {len(named)} frames, {len(named) - len(indices)} of them again"
                warnings.append(SelectionWarning("repeated_frames", message))
            if len(indices) > wanted.num_moments:
                raise InputError(
                    f"{self.path} has {len(indices)} frames for {wanted.query!r}, the base is to get "
                    f"{wanted.num_moments} different ones; set clamr_num_frames, and clamr_pair=none for one frame each"
                )
            if entry.selection is not None:
                whole = Selection.from_dict({**entry.selection, "video": wanted.video})
                planned_selection(reader, {"frame_indices": list(indices), "timestamps_seconds": _times(whole)})
                return whole
            planned = planned_selection(reader, {"frame_indices": indices})
        method = {"policy": "replayed", "selector": self.kind, "file": Path(self.path).name, "rev": self.rev}
        return replace(planned, question=wanted.query, method=method, warnings=tuple(warnings))


def _times(selection: Selection) -> list[float]:
    return list(selection.timestamps_seconds)


def _nearest(seconds: Sequence[float], clock: np.ndarray) -> tuple[int, ...]:
    """Indices of the frames shown at the given seconds: the nearest ones."""
    return tuple(int(np.abs(clock - one).argmin()) for one in seconds)
