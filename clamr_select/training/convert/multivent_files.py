"""Where MultiVENT 2.0 keeps what belongs to a video, and what is in those files.

Source: the layout that the released ``create_data_multivent.py`` reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clamr_select.errors import InputError
from clamr_select.training.convert.tables import read_column
from clamr_select.training.data.sources import read_json

_FRAME_NUMBER = re.compile(r"_frame_(\d+)\.png\.csv$")


@dataclass(frozen=True)
class VideoFiles:
    """One video: ``000884/Wp2WiEz439s`` of the split ``train``."""

    root: Path
    split: str
    folder: str
    name: str

    @property
    def video_id(self) -> str:
        return f"{self.split}_{self.folder}_{self.name}"

    def frame_file(self, number: int) -> str:
        return f"{self.video_id}_frame_{number}.jpg"

    def ocr(self) -> str | None:
        """Text of all frames in time order, None where there is no file.

        Raises:
            InputError: a file is no CSV with the column ``text``.
        """
        base = self.root / f"features/{self.split}/exp/scale24/features/{self.split}/ocr/icdar_ocr_max"
        folder = base / self.folder / f"{self.name}.mp4_frames"
        if not folder.is_dir():
            return None
        numbered = {int(m.group(1)): path for path in folder.iterdir() if (m := self._frame(path))}
        if not numbered:
            return None
        return " ".join(text for number in sorted(numbered) for text in read_column(numbered[number], "text"))

    def _frame(self, path: Path) -> re.Match[str] | None:
        """By the exact name before it: a glob takes the brackets and stars in a name for patterns."""
        match = _FRAME_NUMBER.search(path.name)
        return match if match and path.name[: match.start()] == self.name else None

    def asr(self) -> str | None:
        """Raises:
        InputError: the file is no CSV with the column ``text``.
        """
        base = self.root / f"features/{self.split}/exp/scale24/data/video/baseline/{self.split}/speech_to_text"
        path = base / "speech_to_text" / self.folder / f"{self.name}.m4a.csv"
        return " ".join(read_column(path, "text")) if path.is_file() else None

    def metadata(self) -> dict[str, str] | None:
        """``title`` and ``description``, as far as they are there; None without a file.

        Raises:
            InputError: the file is not JSON of that form.
        """
        path = self.root / self.split / self.folder / f"{self.name}.json"
        if not path.is_file():
            return None
        content = read_json(path)
        for key in ("yt_meta_dict", "info"):
            content = content.get(key) if isinstance(content, dict) else None
        if content is None:
            return {}
        if not isinstance(content, dict):
            raise InputError(f"{path}: yt_meta_dict.info must be an object")
        fields = {key: content.get(key) for key in ("title", "description")}
        if not all(value is None or isinstance(value, str) for value in fields.values()):
            raise InputError(f"{path}: title and description must be text")
        return {key: value.strip() for key, value in fields.items() if value and value.strip()}


def read_frame_mapping(path: Path, *, root: Path, split: str) -> list[tuple[VideoFiles, list[int]]]:
    """Videos and the numbers of their frames.

    Args:
        path: JSON object from video file (``…/000884/Wp2WiEz439s.mp4``) to frame numbers.

    Raises:
        InputError: another form; names the entry.
    """
    content = read_json(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path} must hold an object from video file to frame numbers")
    videos = []
    for key, numbers in content.items():
        file = PurePosixPath(key)
        name = file.name.removesuffix(".mp4")  # not Path.stem: ids may hold dots
        if not file.parent.name or not name:
            raise InputError(f"{path}: keys end in FOLDER/VIDEO.mp4, got {key!r}")
        if not isinstance(numbers, list) or not all(isinstance(n, int) and n >= 0 for n in numbers):
            raise InputError(f"{path}: {key!r} must have a list of frame numbers")
        videos.append((VideoFiles(root, split, file.parent.name, name), numbers))
    return videos
