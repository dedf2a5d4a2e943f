"""The paper's MultiVENT 2.0++ recipe: modality-targeted queries for videos, written by a language model."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from clamr_select.errors import InputError
from clamr_select.training.data.assemble import row_texts
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.sources import RowSource
from clamr_select.training.queries.checks import QueryChecks, parse_reply
from clamr_select.training.queries.jobs import GenerationOptions, GenerationReport, Job, Requests, jobs_of
from clamr_select.training.queries.journal import JobRecord, Journal, Refused
from clamr_select.training.queries.prompts import PROMPT_VERSION
from clamr_select.training.queries.writers import QueryWriter, Written

JOURNAL_SUFFIX = ".journal.jsonl"


def generate_queries(
    source: RowSource,
    *,
    writer: QueryWriter,
    output: Path,
    loader: FrameLoader | None = None,
    checks: QueryChecks | None = None,
    options: GenerationOptions | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> GenerationReport:
    """Write queries about every video of a source, and check each.

    Every answered job is on disk in ``<output>.journal.jsonl`` before the next is counted; after a kill the same
    call goes on from there, and the checks know what was kept before. ``output`` appears at the end: a JSON object
    from video id to a list of ``{"query", "query_type"}``, which :func:`~clamr_select.training.data.asked.read_queries`
    reads.

    Args:
        source: rows; their own queries are not read. Of several rows of one video the first is taken.
        loader: reads frames, for the target ``video``.
        checks: what is refused.
        progress: told of the number of jobs done.

    Raises:
        InputError: bad rows and ``on_bad_row="error"``; ``video`` with a writer that takes no images, or without a
            loader; a journal of other settings; or not one query was kept.
        ServerError, ServerUnreachableError: the server failed; call again to go on.
    """
    options = options or GenerationOptions()
    checks = checks or QueryChecks()
    if "video" in options.targets and (loader is None or not writer.takes_images):
        raise InputError(
            f"queries about video need frames and a model that takes images, which {writer.name} "
            f"{'does' if writer.takes_images else 'does not'}; leave video out of the targets, or take another model"
        )
    report = GenerationReport()
    settings = {
        **writer.settings,
        "prompt_version": PROMPT_VERSION,
        "num_queries": options.num_queries,
        "seed": options.seed,
        "checks": checks.fingerprint,
    }
    journal = Journal(output.with_name(output.name + JOURNAL_SUFFIX), settings=settings)
    done: dict[tuple[str, str], JobRecord] = {}
    for record in journal.records():
        done[record.video_id, record.target] = record
        for query in record.queries:
            checks.keep(query)
    queries: dict[str, list[dict[str, str]]] = {}
    jobs = jobs_of(source, loader=loader, options=options, report=report)
    requests = Requests(writer, loader=loader, options=options)
    for count, (job, finished, written) in enumerate(requests.run(jobs, done), start=1):
        record = finished or _judge(job, written, checks=checks, num_queries=options.num_queries)
        if finished is None:
            journal.add(record)
        _count(record, report)
        queries.setdefault(job.row.video_id, []).extend({"query": q, "query_type": job.target} for q in record.queries)
        progress(count)
    report.bad_rows += requests.bad_rows
    kept = {video_id: written for video_id, written in queries.items() if written}
    if not kept:
        raise InputError(f"no query was kept; {'; '.join(report.lines())}")
    _write_whole(json.dumps(kept, ensure_ascii=False, indent=1), output)
    return report


def _judge(job: Job, written: Written | None, *, checks: QueryChecks, num_queries: int) -> JobRecord:
    kept: list[str] = []
    refused: list[Refused] = []
    candidates = parse_reply(written.text, cut_off=written.cut_off, num_queries=num_queries) if written else []
    if not candidates:
        refused.append(Refused("", "no answer: not one whole line"))
    material = " ".join([*row_texts(job.row).values()])
    for query in candidates:
        reason = checks.refuse(query, material=material)
        if reason is None:
            checks.keep(query)
            kept.append(query)
        else:
            refused.append(Refused(query, reason))
    return JobRecord(job.row.video_id, job.target, tuple(kept), tuple(refused))


def _count(record: JobRecord, report: GenerationReport) -> None:
    report.kept[record.target] += len(record.queries)
    report.refused.update(refused.reason.partition(":")[0] for refused in record.refused)


def _write_whole(text: str, path: Path) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    os.replace(partial, path)
