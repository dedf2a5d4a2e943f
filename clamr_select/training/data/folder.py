"""A folder of videos with text files beside them, as rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clamr_select.context import find_subtitles, load_subtitles
from clamr_select.errors import BadRowError, ClamrSelectError, InputError
from clamr_select.training.data.sources import read_json

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v"})
OCR_SUFFIX, INFO_SUFFIX = ".ocr.txt", ".info.json"


class VideoFolder:
    """Rows of a folder and the folders in it; questions come from a file of queries.

    The video id is the path without its suffix, ``talks/opening`` for ``talks/opening.mp4``. Speech is a subtitle
    file that :func:`~clamr_select.context.find_subtitles` finds; on-screen text is ``opening.ocr.txt``; title and
    description are those fields of ``opening.info.json`` (yt-dlp writes it). Each may be missing. Text scores
    documents here, so times are not kept.

    Raises:
        InputError: no folder, no video in it, or two that differ in their suffix alone.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"no folder at {folder}")
        self._videos = sorted(p for p in self.folder.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
        if not self._videos:
            raise InputError(f"no video in {folder}; looked for {', '.join(sorted(VIDEO_SUFFIXES))}")
        ids = [path.with_suffix("") for path in self._videos]
        twice = {str(path) for path in ids if ids.count(path) > 1} if len(set(ids)) < len(ids) else set()
        if twice:
            raise InputError(f"videos must differ in more than their suffix, got {', '.join(sorted(twice))}")

    def __len__(self) -> int:
        return len(self._videos)

    def __getitem__(self, number: int) -> dict[str, Any]:
        path = self._videos[number]
        relative = path.relative_to(self.folder)
        try:
            subtitles = find_subtitles(path)
            lines = load_subtitles(subtitles).lines if subtitles is not None else ()
            info = _info(path.with_suffix(INFO_SUFFIX))
        except ClamrSelectError as error:
            raise BadRowError(self.place(number), str(error)) from error
        return {
            "video_id": relative.with_suffix("").as_posix(),
            "video": relative.as_posix(),
            "asr": " ".join(line.text for line in lines),
            "ocr": self._ocr(path.with_suffix(OCR_SUFFIX), number),
            **info,
        }

    def place(self, number: int) -> str:
        return str(self._videos[number].relative_to(self.folder))

    def _ocr(self, path: Path, number: int) -> str:
        try:
            return " ".join(path.read_text(encoding="utf-8").split())
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise BadRowError(self.place(number), f"{path.name} cannot be read: {error}") from error


def _info(path: Path) -> dict[str, str]:
    """``title`` and ``description``, as far as they are there."""
    content = read_json(path) if path.exists() else {}
    fields = {name: content.get(name) for name in ("title", "description")} if isinstance(content, dict) else None
    if fields is None or not all(value is None or isinstance(value, str) for value in fields.values()):
        raise InputError(f"{path.name} must be an object whose title and description are text")
    return {name: value for name, value in fields.items() if value}
