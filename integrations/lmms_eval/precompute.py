"""Select for whole tasks before a run: by video, over several processes, and on from where it was stopped."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clamr_select import __version__
from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.parts import Key, finished, join, part_of
from clamr_select.integrations.lmms_eval.questions import TaskDocument
from clamr_select.integrations.lmms_eval.record import SCHEMA_VERSION
from clamr_select.integrations.lmms_eval.selecting import ModelSource, SelectionSource, Wanted
from clamr_select.text_lines import cut_torn_line

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """All that is asked of one video."""

    video: str
    documents: tuple[tuple[str, int], ...]
    """(task, number of the document) of each of ``wanted``."""
    wanted: tuple[Wanted, ...]


def jobs_of(documents: Iterable[TaskDocument], *, options: SamplerOptions) -> list[Job]:
    """One job a video, in the order of their first questions.

    A task that shows pictures in place of the video gets as many as it shows, whatever ``clamr_num_frames`` is.

    Raises:
        InputError: no number of frames: there is no base here that could say how many it takes.
    """
    if not isinstance(options.num_frames, int):
        raise InputError("clamr_num_frames=N must be given: how many different frames a base shall get of a video")
    by_video: dict[str, list[tuple[tuple[str, int], Wanted]]] = {}
    for one in documents:
        for video in one.videos:
            wanted = Wanted(
                video=video,
                query=one.question.query(options=options.query == "options"),
                num_moments=one.num_shown or options.num_frames,
                subtitles=one.question.subtitles,
                keep_last=one.question.keep_last,
                task=one.task,
                doc_id=str(one.doc_id),
                ids=one.ids,
            )
            by_video.setdefault(video, []).append(((one.task, one.doc_id), wanted))
    return [
        Job(video, tuple(key for key, _ in asked), tuple(wanted for _, wanted in asked))
        for video, asked in by_video.items()
    ]


def open_jobs(jobs: Sequence[Job], *, output: Path, options: SamplerOptions) -> list[Job]:
    """The jobs without what an earlier run has selected.

    Raises:
        InputError: ``output``, or a part of it, was made with other options, or is another file than ours.
    """
    done = finished(output, options=options)
    left = []
    for job in jobs:
        open_ = [
            (document, wanted)
            for document, wanted in zip(job.documents, job.wanted, strict=True)
            if (*document, job.video) not in done
        ]
        if open_:
            left.append(Job(job.video, tuple(key for key, _ in open_), tuple(wanted for _, wanted in open_)))
    return left


def precompute(
    jobs: Sequence[Job], *, options: SamplerOptions, output: Path, rank: int = 0, num_processes: int = 1
) -> Path | None:
    """Select for every ``num_processes``-th video and append to this process's part of ``output``, video by video.

    What ``output`` and its parts hold already is not selected again.

    Returns:
        ``output``, if all questions are in it now; None while other processes are at work.

    Raises:
        InputError: as :func:`open_jobs`.
    """
    mine = open_jobs(jobs[rank::num_processes], output=output, options=options)
    output.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(output, rank)
    cut_torn_line(part)
    source = ModelSource(options)
    with part.open("a", encoding="utf-8") as lines:
        for number, job in enumerate(mine, start=1):
            logger.info("video %d of %d, %s: %d questions", number, len(mine), job.video, len(job.wanted))
            for line in selected_lines(source, job, options=options):
                lines.write(line + "\n")
            lines.flush()
    return join(output, keys=keys_of_jobs(jobs))


def keys_of_jobs(jobs: Sequence[Job]) -> set[Key]:
    return {(*document, job.video) for job in jobs for document in job.documents}


def selected_lines(source: SelectionSource, job: Job, *, options: SamplerOptions) -> list[str]:
    """The lines of a selection file for questions about one video."""
    selections = source.select(job.wanted)
    return [
        json.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "clamr_select": __version__,
                "task": task,
                "doc_id": doc_id,
                "ids": list(wanted.ids),
                "arm": "select",
                "options": options.selecting(),
                "source": dict(source.describe()),
                "selection": selection.to_dict(include_candidates=False),
            },
            ensure_ascii=False,
        )
        for (task, doc_id), wanted, selection in zip(job.documents, job.wanted, selections, strict=True)
    ]
