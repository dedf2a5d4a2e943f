"""What is known about a video as a whole, and its chapters: the ``description`` modality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clamr_select.context.chapters import Chapter, can_read_chapters, container_chapters
from clamr_select.context.info_json import InfoJson, find_info_json, read_info_json
from clamr_select.context.metadata import describe
from clamr_select.indexing.options import IndexOptions
from clamr_select.isolation import isolated_chapters
from clamr_select.video.reader import VideoInfo

DESCRIPTION = "description"
CHAPTERS_UNREAD = ("chapters_unread", "the installed PyAV cannot read chapters inside a file; a newer one can")


@dataclass(frozen=True)
class About:
    """Metadata of one video."""

    description: str | None
    """Of the whole: contextualises, and scores no frame."""
    chapters: tuple[Chapter, ...]
    """On the container's clock."""
    sources: tuple[str, ...]
    """Where it comes from, e.g. ``talk.info.json``."""
    warnings: tuple[tuple[str, str], ...]

    def words(self, timestamps_seconds: np.ndarray) -> dict[str, list[list[str]]]:
        """Each chapter's title at the first candidate that lies in it, as a title card would stand there: at all its
        candidates it would tie them. Nothing where there are no chapters.

        Args:
            timestamps_seconds: (num_candidates,) strictly increasing.
        """
        if not self.chapters:
            return {}
        lines: list[list[str]] = [[] for _ in timestamps_seconds]
        for chapter in self.chapters:
            first = int(np.searchsorted(timestamps_seconds, chapter.start_seconds, side="left"))
            lines[min(first, len(lines) - 1)].append(chapter.title)
        return {DESCRIPTION: lines}


def about_video(info: VideoInfo, *, options: IndexOptions) -> About:
    """From the options, the ``.info.json`` beside the video, and the container, in this order."""
    path = find_info_json(info.path)
    beside = InfoJson() if path is None else read_info_json(path)
    described = describe(
        title=options.title, description=options.description, info=beside, container_tags=info.metadata
    )
    chapters: tuple[Chapter, ...] = ()
    if options.chapters == "auto":
        start = info.start_seconds
        chapters = tuple(
            Chapter(start + chapter.start_seconds, start + chapter.end_seconds, chapter.title)
            for chapter in beside.chapters
        ) or (isolated_chapters if options.isolate else container_chapters)(info.path, limits=options.limits)
    unread = () if beside.chapters or options.chapters != "auto" or can_read_chapters() else (CHAPTERS_UNREAD,)
    return About(described, chapters, () if path is None else (path.name,), (*beside.warnings, *unread))
