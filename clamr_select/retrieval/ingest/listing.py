"""Which videos are meant: a folder, a list of paths, a list with what is known of each, or files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.described import read_described
from clamr_select.text_lines import numbered_lines

ENDINGS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mpg", ".mpeg", ".ogv", ".flv", ".wmv", ".3gp"}
)
LISTS = frozenset({".txt", ".lst", ".list"})
DESCRIBED_LISTS = frozenset({".jsonl", ".ndjson"})


def list_videos(sources: Sequence[str | Path]) -> list[VideoFile]:
    """Files by their absolute paths, each once, in the order in which they were met; within a folder by name.

    Args:
        sources: folders, searched to their bottom for files with the ending of a video; text files of a path a line
            (relative to the file; empty lines and lines that start with ``#`` are skipped); ``.jsonl`` files of an
            object a line, see :func:`clamr_select.retrieval.ingest.described.read_described`; or videos. What an
            object says of a file is kept where the file is met elsewhere too.

    Raises:
        VideoNotFoundError: a source is not there. A path in a list may be absent: its video is set aside later.
        InputError: nothing was found, a line of a list is wrong, or two say different things of one file.
    """
    found: dict[str, VideoFile] = {}
    for file in (file for source in sources for file in _videos(Path(source))):
        bare, known = VideoFile(file.path), found.setdefault(file.path, file)
        if known == bare:
            found[file.path] = file
        elif file not in (bare, known):
            raise InputError(f"two lines say different things of {file.path}; take one out")
    if not found:
        raise InputError(f"no video in {', '.join(map(str, sources))}; files are known by endings like .mp4")
    return list(found.values())


def _videos(source: Path) -> Iterator[VideoFile]:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() in ENDINGS and path.is_file():
                yield VideoFile(str(path.absolute()))
    elif not source.exists():
        raise VideoNotFoundError(f"no such file or folder: {str(source)!r}")
    elif source.suffix.lower() in DESCRIBED_LISTS:
        yield from read_described(source)
    elif source.suffix.lower() in LISTS:
        for number, line in numbered_lines(source):
            if "\0" in line:
                raise InputError(f"{str(source)!r}: line {number}: a path cannot hold a zero character, got {line!r}")
            if not line.startswith("#"):
                yield VideoFile(str((source.parent / line.strip()).absolute()))
    else:
        yield VideoFile(str(source.absolute()))
