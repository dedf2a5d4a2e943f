"""Select for whole tasks before a run: by video, over several processes, and on from where it was stopped."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select import __version__
from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.questions import TaskDocument
from clamr_select.integrations.lmms_eval.record import SCHEMA_VERSION
from clamr_select.integrations.lmms_eval.selecting import ModelSource, SelectionSource, Wanted

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

    Raises:
        InputError: no number of frames: there is no base here that could say how many it takes.
    """
    if not isinstance(options.num_frames, int):
        raise InputError("--num-frames must be given: how many different frames a base shall get of a video")
    by_video: dict[str, list[tuple[tuple[str, int], Wanted]]] = {}
    for one in documents:
        for video in one.videos:
            wanted = Wanted(
                video=video,
                query=one.question.query(options=options.query == "options"),
                num_moments=options.num_frames,
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


def precompute(
    jobs: Sequence[Job], *, options: SamplerOptions, output: Path, rank: int = 0, num_processes: int = 1
) -> Path:
    """Select for every ``num_processes``-th video and append to this process's part of ``output``, video by video.

    A part that exists is read first and what it holds is not selected again; its last line may be cut.

    Returns:
        The part: ``output`` with the rank in its name. :func:`join` makes one file of them.
    """
    part = part_of(output, rank)
    done = _finished(part, options)
    source = ModelSource(options)
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("a", encoding="utf-8") as lines:
        for job in jobs[rank::num_processes]:
            open_ = [
                (document, wanted)
                for document, wanted in zip(job.documents, job.wanted, strict=True)
                if (*document, wanted.video) not in done
            ]
            if not open_:
                continue
            logger.info("%s: %d questions", job.video, len(open_))
            for line in selected_lines(source, open_, options=options):
                lines.write(line + "\n")
            lines.flush()
    return part


def selected_lines(
    source: SelectionSource, asked: Sequence[tuple[tuple[str, int], Wanted]], *, options: SamplerOptions
) -> list[str]:
    """The lines of a selection file for questions about one video."""
    selections = source.select([wanted for _, wanted in asked])
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
        for ((task, doc_id), wanted), selection in zip(asked, selections, strict=True)
    ]


def join(output: Path, *, num_processes: int, num_questions: int) -> Path:
    """One file of all parts, which are removed.

    Raises:
        InputError: a part is missing, or they do not hold every question.
    """
    parts = [part_of(output, rank) for rank in range(num_processes)]
    absent = [str(part) for part in parts if not part.is_file()]
    if absent:
        raise InputError(f"not all processes have finished: {', '.join(absent)} is missing")
    lines = [line for part in parts for line in part.read_text(encoding="utf-8").splitlines()]
    if len(lines) != num_questions:
        raise InputError(
            f"the parts of {output} hold {len(lines)} selections, {num_questions} were asked for; run again"
        )
    whole = output.with_suffix(".joining")
    whole.write_text("".join(line + "\n" for line in sorted(lines, key=_place)), encoding="utf-8")
    whole.replace(output)
    for part in parts:
        part.unlink()
    return output


def part_of(output: Path, rank: int) -> Path:
    return output.with_name(f"{output.stem}.part{rank}{output.suffix or '.jsonl'}")


def _finished(part: Path, options: SamplerOptions) -> set[tuple[str, int, str]]:
    """What a part holds; a line that was cut when the process was killed is removed.

    Raises:
        InputError: it was made with other options.
    """
    if not part.is_file():
        return set()
    done: set[tuple[str, int, str]] = set()
    kept: list[str] = []
    for line in part.read_text(encoding="utf-8").splitlines():
        try:
            row: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            break
        if row["options"] != json.loads(json.dumps(options.selecting())):
            raise InputError(f"{part} was made with other options; remove it, or choose another --output")
        done.add((row["task"], row["doc_id"], row["selection"]["video"]))
        kept.append(line)
    part.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
    return done


def _place(line: str) -> tuple[str, int]:
    row = json.loads(line)
    return row["task"], row["doc_id"]
