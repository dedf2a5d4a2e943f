"""Videos into a corpus: each once, none lost, the broken ones set aside by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from clamr_select.errors import InputError
from clamr_select.retrieval.corpus import VideoCorpus
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.journal import Journal, Line, Stamp
from clamr_select.retrieval.ingest.on_ray import index_on_ray
from clamr_select.retrieval.ingest.pool import index_with_processes
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import Ended
from clamr_select.store import content_digest

JOURNAL_NAME = "ingest.jsonl"
MAX_TOGETHER = 16
MAX_WAIT_SECONDS = 2.0
"""Videos are put in together, and wait for each other no longer than this."""
Told = Callable[["Ended"], None]


@dataclass
class IngestReport:
    """What a run did."""

    num_added: int = 0
    num_already: int = 0
    """Left as they are: the same bytes are in the corpus."""
    failed: list[Line] = field(default_factory=list)
    """All that are set aside, of earlier runs too."""
    num_candidates: int = 0
    seconds: float = 0.0
    failed_file: Path | None = None


def ingest(
    corpus: VideoCorpus,
    files: Sequence[VideoFile],
    *,
    settings: IngestSettings,
    journal_path: Path | None = None,
    num_workers: int | None = 1,
    ray_address: str | None = None,
    retry_failed: bool = False,
    told: Told | None = None,
) -> IngestReport:
    """Index what is not in the corpus yet. May be ended at any moment and started again.

    Args:
        journal_path: what became of each file; None is in the corpus's folder.
        num_workers: processes of this machine, or actors of the cluster (None: as many as there is room for).
        ray_address: of a Ray cluster, in place of processes.
        retry_failed: try again what was set aside.
        told: called after each file.

    Raises:
        InputError: a corpus on a server, and no ``journal_path``.
        ClamrSelectError: the model cannot be loaded, or the corpus cannot be written.
    """
    if journal_path is None:
        if corpus.folder is None:
            raise InputError(f"{corpus.where} has no folder for the journal; name a file for it")
        journal_path = corpus.folder / JOURNAL_NAME
    started, report = time.monotonic(), IngestReport()
    corpus.note_index_options()
    with Journal(journal_path) as journal:
        todo = [file for file in files if not _is_settled(journal.ended(file.path), retry_failed=retry_failed)]
        report.num_already = sum(_is_done(journal.ended(file.path)) for file in files)
        new = _unknown(todo, corpus, journal, report)
        if ray_address is None:
            ended = index_with_processes(new, settings=settings, num_workers=num_workers or 1)
        else:
            ended = index_on_ray(list(new), settings=settings, address=ray_address, num_workers=num_workers)
        _put_away(ended, corpus, journal, report, told or (lambda _: None))
        report.failed = journal.failed
        report.failed_file = journal.write_failed()
    report.seconds = time.monotonic() - started
    return report


def _is_done(line: Line | None) -> bool:
    return line is not None and line.status == "done"


def _is_settled(line: Line | None, *, retry_failed: bool) -> bool:
    return _is_done(line) or (line is not None and not retry_failed)


def _unknown(
    files: Sequence[VideoFile], corpus: VideoCorpus, journal: Journal, report: IngestReport
) -> Iterator[VideoFile]:
    """Files whose bytes are not in the corpus, each content once; of the others the journal learns."""
    taken: set[str] = set()
    for file in files:
        stamp = Stamp.of(file.path)
        try:
            digest = content_digest(file.path)
        except OSError as error:
            journal.write([Line(file.path, "failed", stamp, error=f"{type(error).__name__}: {error}")])
            continue
        if digest in taken or digest in corpus:
            report.num_already += 1
            if digest not in taken:
                journal.write([Line(file.path, "done", stamp, digest)])
            continue
        taken.add(digest)
        yield file


def _put_away(
    ended: Generator[Ended, None, None], corpus: VideoCorpus, journal: Journal, report: IngestReport, told: Told
) -> None:
    together: list[Ended] = []
    since = time.monotonic()
    with closing(ended):
        for one in ended:
            together.append(one)
            if len(together) >= MAX_TOGETHER or time.monotonic() - since > MAX_WAIT_SECONDS:
                _write(together, corpus, journal, report)
                together, since = [], time.monotonic()
            told(one)
        _write(together, corpus, journal, report)


def _write(together: Sequence[Ended], corpus: VideoCorpus, journal: Journal, report: IngestReport) -> None:
    """First the corpus, then the journal: a kill in between costs a look, not a video."""
    embedded = [one.embeddings for one in together if one.embeddings is not None]
    if embedded:
        corpus.put(embedded)
        corpus.flush()
    report.num_added += len(embedded)
    report.num_candidates += sum(one.num_candidates for one in together)
    journal.write([_line(one) for one in together])


def _line(one: Ended) -> Line:
    stamp = Stamp.of(one.file.path)
    if one.embeddings is None:
        return Line(one.file.path, "failed", stamp, error=one.error, attempts=one.attempts)
    return Line(one.file.path, "done", stamp, one.embeddings.video_id, attempts=one.attempts, seconds=one.seconds)
