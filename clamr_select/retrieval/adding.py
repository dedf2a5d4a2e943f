"""Videos one after the other into a corpus, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from clamr_select.errors import InputError
from clamr_select.retrieval.engine import Engine, Point
from clamr_select.retrieval.files import VideoFile, index_file, readable_digest
from clamr_select.retrieval.filters import AnyOf
from clamr_select.retrieval.moving import follow
from clamr_select.retrieval.video_embeddings import VideoEmbeddings
from clamr_select.selection import SelectionWarning

if TYPE_CHECKING:
    from clamr_select.retrieval.corpus import VideoCorpus


@dataclass
class AddReport:
    """What :meth:`VideoCorpus.add` and :meth:`VideoCorpus.update` did."""

    added: list[str] = field(default_factory=list)
    """Video ids, in order."""
    already: list[str] = field(default_factory=list)
    """Ids of videos that were there, and were left as they are, but for the path of a file that moved."""
    replaced: list[str] = field(default_factory=list)
    """Ids of older contents of the same files, which are gone."""
    warnings: list[SelectionWarning] = field(default_factory=list)


def put_in(
    corpus: VideoCorpus, videos: Iterable[str | Path | VideoFile | VideoEmbeddings], *, replace: bool
) -> AddReport:
    """See :meth:`VideoCorpus.add` and :meth:`VideoCorpus.update`."""
    if isinstance(videos, str | Path):
        raise InputError("videos is a list of files, got one; put it in a list")
    report = AddReport()
    for video in videos:
        if not isinstance(video, VideoEmbeddings):
            known = _index(corpus, video, report, replace=replace)
            if known is None:
                continue
            video = known
        elif not replace and video.video_id in corpus:
            report.already.append(video.video_id)
            continue
        report.replaced += corpus.put([video])
        report.added.append(video.video_id)
    corpus.flush()
    back = corpus.held(report.replaced)  # where files changed places, the other one came in again
    report.replaced = [video_id for video_id in report.replaced if video_id not in back]
    return report


def older_contents(engine: Engine, now: Mapping[str, str]) -> list[Point]:
    """Other contents of some paths than the ids they map to, without their vectors."""
    if not now:
        return []
    conditions = (AnyOf("path", tuple(now)),)
    points, after = engine.scroll(conditions=conditions)
    while after is not None:
        more, after = engine.scroll(conditions=conditions, after=after)
        points += more
    return [point for point in points if point.payload["video_id"] != now[point.payload["path"]]]


def left_out_warnings(video: VideoEmbeddings) -> list[SelectionWarning]:
    """One a modality that had more tokens than the corpus keeps."""
    return [
        SelectionWarning("tokens_left_out", f"{video.path or video.video_id}: of {modality}, {what}")
        for modality, what in video.left_out.items()
    ]


def _index(
    corpus: VideoCorpus, video: str | Path | VideoFile, report: AddReport, *, replace: bool
) -> VideoEmbeddings | None:
    """None for a video that is there."""
    if corpus.selector is None:
        raise InputError(f"{corpus.where} was opened without a selector; open it with one to index videos")
    corpus.note_index_options()
    file = video if isinstance(video, VideoFile) else VideoFile(str(video))
    digest = readable_digest(file.path)
    known = {} if replace else corpus.paths([digest])
    if digest in known:
        path = str(Path(file.path).absolute())
        report.replaced += follow(corpus, digest, known_path=known[digest], path=path).replaced
        report.already.append(digest)
        return None
    found = index_file(
        file,
        encoder=corpus.selector.encoder,
        options=corpus.index_options,
        max_tokens=corpus.schema.options.max_tokens,
        cache_dir=corpus.cache_dir,
    )
    report.warnings += found.warnings
    report.warnings += left_out_warnings(found.embeddings)
    return found.embeddings
