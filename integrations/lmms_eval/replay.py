"""``clamr_mode=cached``: selections from a file. No model is loaded, nothing of one is even imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.selection_files import FileEntry, file_revision, read_selection_file
from clamr_select.integrations.lmms_eval.selection_index import SelectionIndex
from clamr_select.integrations.plan import planned_selection
from clamr_select.selection import Selection, SelectionWarning

if TYPE_CHECKING:
    from clamr_select.integrations.lmms_eval.selecting import Wanted

SHOWN_OF_MISSING = 3


class FileSource:
    """Selections of a file, found by the question's id, else by video and question, else by the document's number.

    Args:
        on_missing: ``uniform`` takes even frames for a question that the file lacks, and says so in the selection.

    Raises:
        InputError: as :func:`read_selection_file`, or the file is of another revision than ``rev``.
    """

    def __init__(self, path: str, *, rev: str | None = None, on_missing: Literal["error", "uniform"] = "error") -> None:
        from clamr_select.integrations.lmms_eval.selecting import check_revision

        self.path, self.on_missing = path, on_missing
        self.kind, entries = read_selection_file(path)
        self.rev = file_revision(Path(path))
        check_revision(self.rev, wanted=rev, of=f"clamr_selections={path}")
        self._index = SelectionIndex(entries, kind=self.kind)

    def select(self, wanted: Sequence[Wanted]) -> list[Selection]:
        """Raises:
        InputError: the file lacks a question, or has more frames for one than the base is to get.
        FrameDecodeError, VideoError: it names frames that the video does not have, or that are elsewhere in it.
        """
        found = [self._index.find(one) for one in wanted]
        missing = [one for one, entry in zip(wanted, found, strict=True) if entry is None]
        if missing and self.on_missing == "error":
            asked = "; ".join(f"{one.task} {one.doc_id}: {one.query!r}" for one in missing[:SHOWN_OF_MISSING])
            raise InputError(
                f"{self.path} ({self.kind}) lacks {len(missing)} of {len(wanted)} questions, e.g. {asked}. "
                "clamr_on_missing=uniform takes even frames for them"
            )
        return [
            self._even(one) if entry is None else self._selection(entry, one)
            for entry, one in zip(found, wanted, strict=True)
        ]

    def release(self) -> None:
        """Nothing is held."""

    def describe(self) -> Mapping[str, Any]:
        return {"selections": self.path, "kind": self.kind, "rev": self.rev}

    def _even(self, wanted: Wanted) -> Selection:
        from clamr_select.video import open_video

        with open_video(wanted.video) as reader:
            total = reader.info.num_frames
            even = np.unique(np.linspace(0, total - 1, min(total, wanted.num_moments)).round().astype(int))
            planned = planned_selection(reader, {"frame_indices": even.tolist()})
        message = f"{Path(self.path).name} has no selection for this question; the frames are evenly spaced"
        method = {"policy": "uniform", "selector": "none", "file": Path(self.path).name, "rev": self.rev}
        return replace(
            planned, question=wanted.query, method=method, warnings=(SelectionWarning("not_in_file", message),)
        )

    def _selection(self, entry: FileEntry, wanted: Wanted) -> Selection:
        from clamr_select.video import open_video

        warnings: list[SelectionWarning] = []
        with open_video(wanted.video) as reader:
            named = entry.frame_indices or _nearest(entry.seconds, reader.timestamps_seconds)
            if entry.ranked:
                named = named[: wanted.num_moments]
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
