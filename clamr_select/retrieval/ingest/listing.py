"""Which videos are meant: a folder, a list of paths, or files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from clamr_select.errors import InputError, VideoNotFoundError

ENDINGS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mpg", ".mpeg", ".ogv", ".flv", ".wmv", ".3gp"}
)
LISTS = frozenset({".txt", ".lst", ".list"})


def list_videos(sources: Sequence[str | Path]) -> list[Path]:
    """Absolute paths, each once, in the order in which they were met; within a folder by name.

    Args:
        sources: folders, searched to their bottom for files with the ending of a video; text files of a path a line
            (relative to the file; empty lines and lines that start with ``#`` are skipped); or videos.

    Raises:
        VideoNotFoundError: a source is not there. A path in a list may be absent: its video is set aside later.
        InputError: nothing was found.
    """
    found = dict.fromkeys(path for source in sources for path in _videos(Path(source)))
    if not found:
        raise InputError(f"no video in {', '.join(map(str, sources))}; files are known by endings like .mp4")
    return list(found)


def _videos(source: Path) -> Iterator[Path]:
    if source.is_dir():
        yield from (
            path.absolute() for path in sorted(source.rglob("*")) if path.suffix.lower() in ENDINGS and path.is_file()
        )
    elif not source.exists():
        raise VideoNotFoundError(f"no such file or folder: {str(source)!r}")
    elif source.suffix.lower() in LISTS:
        for line in source.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                yield (source.parent / line.strip()).absolute()
    else:
        yield source.absolute()
