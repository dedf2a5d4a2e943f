"""Rows from wherever they lie: the one way in for commands."""

from __future__ import annotations

from pathlib import Path

from clamr_select.training.data.asked import read_queries
from clamr_select.training.data.folder import VideoFolder
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.report import OnBadRow
from clamr_select.training.data.sources import RowSource, open_rows

SAVED_DATASET_FILES = ("dataset_dict.json", "dataset_info.json")


def is_video_folder(path: Path) -> bool:
    """Whether a directory is taken for a folder of videos: it is not one that ``datasets`` wrote."""
    return path.is_dir() and not any((path / name).is_file() for name in SAVED_DATASET_FILES)


def open_source(path: Path, *, split: str | None = None) -> RowSource:
    """Rows of a file, a saved data set or a folder of videos.

    Raises:
        InputError: there are none.
    """
    return VideoFolder(path) if is_video_folder(path) else open_rows(path, split=split)


def open_index(
    path: Path, *, split: str | None = None, queries: Path | None = None, on_bad_row: OnBadRow = "error"
) -> RowIndex:
    """The rows of :func:`open_source`, checked, with the questions of ``queries`` where that is given.

    Raises:
        InputError: nothing there, or bad rows and ``on_bad_row="error"``.
    """
    source = open_source(path, split=split)
    if queries is None:
        return RowIndex(source, on_bad_row=on_bad_row)
    asked, bad = read_queries(queries)
    return RowIndex(source, asked=asked, bad_queries=bad, on_bad_row=on_bad_row)


def open_loader(
    path: Path, *, frames_dir: Path | None = None, video_dir: Path | None = None, num_frames: int = 10
) -> FrameLoader:
    """The frames of those rows; a folder of videos is its own ``video_dir``."""
    if video_dir is None and is_video_folder(path):
        video_dir = path
    return FrameLoader(frames_dir=frames_dir, video_dir=video_dir, num_frames=num_frames)
