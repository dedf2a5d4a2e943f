"""What to ask a writer, in order, and several requests at once."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from clamr_select.errors import BadRowError, InputError, unknown_name
from clamr_select.training.data.assemble import row_texts
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.report import BadRow, OnBadRow, check_on_bad_row
from clamr_select.training.data.rows import TARGETS, VideoRow, parse_row
from clamr_select.training.data.sources import RowSource
from clamr_select.training.queries.journal import JobRecord
from clamr_select.training.queries.prompts import MAX_TEXT_CHARACTERS, query_messages
from clamr_select.training.queries.writers import SEED_BITS, QueryWriter, Written


@dataclass(frozen=True)
class GenerationOptions:
    """What to write.

    Raises:
        InputError, UnknownNameError: an option out of range.
    """

    targets: tuple[str, ...] = TARGETS
    num_queries: int = 1
    """For each video and target."""
    seed: int = 0
    parallel_requests: int = 4
    """Where the writer is a server."""
    on_bad_row: OnBadRow = "error"

    def __post_init__(self) -> None:
        check_on_bad_row(self.on_bad_row)
        for target in self.targets:
            if target not in TARGETS:
                raise unknown_name("query target", target, TARGETS)
        if not self.targets or self.num_queries < 1 or self.parallel_requests < 1:
            raise InputError(
                f"got {len(self.targets)} targets, num_queries={self.num_queries}, "
                f"parallel_requests={self.parallel_requests}; allowed: at least 1 of each"
            )


@dataclass
class GenerationReport:
    num_videos: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    """Queries by target."""
    refused: Counter[str] = field(default_factory=Counter)
    """Queries by the kind of reason."""
    empty: Counter[str] = field(default_factory=Counter)
    """Videos without a target's modality, which were asked nothing about it."""
    cut: Counter[str] = field(default_factory=Counter)
    """Texts by target of which the writer read the beginning."""
    bad_rows: list[BadRow] = field(default_factory=list)

    def lines(self) -> list[str]:
        lines = [f"{sum(self.kept.values())} queries for {self.num_videos} videos: {_counts(self.kept)}"]
        if self.refused:
            lines.append(f"refused: {_counts(self.refused)}")
        if self.empty:
            lines.append(f"videos without: {_counts(self.empty)}")
        if self.cut:
            lines.append(f"texts read to character {MAX_TEXT_CHARACTERS} and no further: {_counts(self.cut)}")
        return lines + [f"bad row left out: {bad.name}: {bad.reason}" for bad in self.bad_rows]


@dataclass(frozen=True)
class Job:
    row: VideoRow
    target: str
    material: str


class Requests:
    """Jobs in order, several asked for at once; the answers come in the jobs' order.

    Jobs that are done already are not asked again: their record comes instead of an answer.
    """

    def __init__(self, writer: QueryWriter, *, loader: FrameLoader | None, options: GenerationOptions) -> None:
        self._writer = writer
        self._loader = loader
        self._options = options
        self.bad_rows: list[BadRow] = []

    def run(
        self, jobs: Iterator[Job], done: Mapping[tuple[str, str], JobRecord]
    ) -> Iterator[tuple[Job, JobRecord | None, Written | None]]:
        width = self._options.parallel_requests if self._writer.parallel else 1
        waiting: deque[tuple[Job, JobRecord | None, Future[Written] | None]] = deque()
        with ThreadPoolExecutor(width) as pool:
            try:
                for job in jobs:
                    record = done.get((job.row.video_id, job.target))
                    waiting.append((job, record, pool.submit(self._write, job) if record is None else None))
                    if len(waiting) > width:
                        yield from self._next(waiting)
                while waiting:
                    yield from self._next(waiting)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _next(
        self, waiting: deque[tuple[Job, JobRecord | None, Future[Written] | None]]
    ) -> Iterator[tuple[Job, JobRecord | None, Written | None]]:
        job, record, future = waiting.popleft()
        try:
            yield job, record, future.result() if future is not None else None
        except BadRowError as error:
            if self._options.on_bad_row == "error":
                raise
            self.bad_rows.append(BadRow.of(error))

    def _write(self, job: Job) -> Written:
        frames = self._loader.frames(job.row) if job.target == "video" and self._loader is not None else ()
        messages = query_messages(job.target, text=job.material, frames=frames, num_queries=self._options.num_queries)
        return self._writer.write(messages, seed=_job_seed(job, self._options.seed))


def jobs_of(
    source: RowSource, *, loader: FrameLoader | None, options: GenerationOptions, report: GenerationReport
) -> Iterator[Job]:
    seen = set()
    for number in range(len(source)):
        try:
            row = parse_row(source[number], place=source.place(number), needs_query=False)
        except BadRowError as error:
            if options.on_bad_row == "error":
                raise
            report.bad_rows.append(BadRow.of(error))
            continue
        if row.video_id in seen:
            continue
        seen.add(row.video_id)
        report.num_videos += 1
        texts = row_texts(row)
        for target in options.targets:
            material = texts.get(target, "")
            if not (_has_frames(row, loader) if target == "video" else material):
                report.empty[target] += 1
                continue
            if len(material) > MAX_TEXT_CHARACTERS:
                report.cut[target] += 1
            yield Job(row, target, material)


def _has_frames(row: VideoRow, loader: FrameLoader | None) -> bool:
    """Also where a folder of videos has one of the row's name; what lies outside it is an error when it is read."""
    if row.images or row.video:
        return True
    path = loader.video_path(row) if loader is not None else None
    return path is not None and path.is_file()


def _job_seed(job: Job, seed: int) -> int:
    """The same for the same job, wherever it stands in the file."""
    key = f"{seed}\n{job.row.video_id}\n{job.target}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") % (1 << SEED_BITS)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
