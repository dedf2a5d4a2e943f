"""Videos into a corpus: each once, none lost, the broken ones set aside by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from clamr_select.errors import InputError
from clamr_select.indexing.cached_indexer import open_store
from clamr_select.retrieval.corpus import VideoCorpus
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.journal import Journal, Line, Stamp
from clamr_select.retrieval.ingest.on_ray import index_on_ray
from clamr_select.retrieval.ingest.pool import index_with_processes
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import Ended
from clamr_select.retrieval.moving import Followed, follow
from clamr_select.store import content_digest

JOURNAL_NAME = "ingest.jsonl"
MAX_TOGETHER = 16
MAX_WAIT_SECONDS = 2.0
"""Videos that end sooner than this after the last writing are put in together with the next ones."""
Told = Callable[["Ended"], None]
Skipped = Callable[[int], None]
Indexing = Callable[[Iterator[VideoFile]], Generator[Ended, None, None]]


@dataclass
class IngestReport:
    """What a run did."""

    num_added: int = 0
    num_already: int = 0
    """Left as they are: the same bytes are in the corpus."""
    num_moved: int = 0
    """Of those: their old path was gone, or another file's, and the new one was noted."""
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
    skipped: Skipped | None = None,
) -> IngestReport:
    """Index what is not in the corpus yet. May be ended at any moment and started again.

    Args:
        journal_path: what became of each file; None is in the corpus's folder.
        num_workers: processes of this machine, or actors of the cluster (None: as many as there is room for).
        ray_address: of a Ray cluster, in place of processes.
        retry_failed: try again what was set aside.
        told: called after each file that was handed to a worker.
        skipped: called with how many of the files need none.

    Raises:
        InputError: a corpus on a server, and no ``journal_path``.
        ClamrSelectError: the model cannot be loaded, the store cannot be used, or the corpus cannot be written.
    """
    if journal_path is None:
        if corpus.folder is None:
            raise InputError(f"{corpus.where} has no folder for the journal; name a file for it")
        journal_path = corpus.folder / JOURNAL_NAME
    if settings.cache_dir is not None and ray_address is None:
        open_store(settings.cache_dir)  # else each video would be set aside for it
    started, report = time.monotonic(), IngestReport()
    corpus.note_index_options()

    def index(new: Iterator[VideoFile]) -> Generator[Ended, None, None]:
        if ray_address is None:
            return index_with_processes(new, settings=settings, num_workers=num_workers or 1)
        return index_on_ray(list(new), settings=settings, address=ray_address, num_workers=num_workers)

    with Journal(journal_path) as journal:
        run = _Run(corpus, journal, report, told or (lambda _: None), skipped or (lambda _: None))
        run.put_in(run.unsettled(files, retry_failed=retry_failed), index)
        # what an edited file was before is gone, also where another file holds the same bytes still
        run.put_in(run.lost(files), index)
        report.failed = journal.failed
        report.failed_file = journal.write_failed()
    report.seconds = time.monotonic() - started
    return report


@dataclass
class _Run:
    corpus: VideoCorpus
    journal: Journal
    report: IngestReport
    told: Told
    skipped: Skipped
    stamps: dict[str, Stamp | None] = field(default_factory=dict)
    """Path to the file as it was before it was read: one that is changed later is seen to be another."""
    first: dict[str, str] = field(default_factory=dict)
    """Digest to the path of the first file with these bytes."""
    twins: list[tuple[VideoFile, str]] = field(default_factory=list)
    """Others with the bytes of a first one, and their digest."""
    replaced: set[str] = field(default_factory=set)
    """Older contents of files, that were taken out."""

    def unsettled(self, files: Sequence[VideoFile], *, retry_failed: bool) -> list[VideoFile]:
        """Those that the journal does not know, or knows as a video that the corpus has no longer."""
        lines = {file.path: self.journal.ended(file.path) for file in files}
        held = self.corpus.paths(line.video_id for line in lines.values() if line is not None and line.video_id)
        todo = []
        for file in files:
            line = lines[file.path]
            if line is None or (retry_failed if line.status == "failed" else line.video_id not in held):
                todo.append(file)
                continue
            self.report.num_already += line.status == "done"
            if line.video_id is not None:
                followed = self._follow(file.path, line.video_id, known_path=held[line.video_id])
                if followed.has_moved:
                    held[line.video_id] = file.path
                for gone in followed.replaced:
                    held.pop(gone, None)
        self.skipped(len(files) - len(todo))
        return todo

    def lost(self, files: Sequence[VideoFile]) -> list[VideoFile]:
        """Those that are settled as a video that was taken out as another file's older content."""
        if not self.replaced:
            return []
        lines = ((file, self.journal.ended(file.path)) for file in files)
        held = self.corpus.held(self.replaced)
        lost = [file for file, line in lines if line is not None and line.video_id in self.replaced - held]
        self.report.num_already -= len(lost)
        self.skipped(-len(lost))
        return lost

    def put_in(self, files: Sequence[VideoFile], index: Indexing) -> None:
        self.first.clear()
        together: list[Ended] = []
        since = time.monotonic()
        with closing(index(self._unknown(files))) as ended:
            for one in ended:
                together.append(one)
                if len(together) >= MAX_TOGETHER or time.monotonic() - since > MAX_WAIT_SECONDS:
                    self._write(together)
                    together, since = [], time.monotonic()
                self.told(one)
            self._write(together)
        self._settle_twins()

    def _unknown(self, files: Sequence[VideoFile]) -> Iterator[VideoFile]:
        """Files whose bytes are not in the corpus, each content once; of the others the journal learns."""
        for file in files:
            stamp = self.stamps[file.path] = Stamp.of(file.path)
            try:
                digest = content_digest(file.path)
            except OSError as error:
                self._settle(Line(file.path, "failed", stamp, error=f"{type(error).__name__}: {error}"))
                continue
            if digest in self.first:
                self.twins.append((file, digest))
            elif digest in (known := self.corpus.paths([digest])):
                self._follow(file.path, digest, known_path=known[digest])
                self._settle(Line(file.path, "done", stamp, digest))
            else:
                self.first[digest] = file.path
                yield file

    def _follow(self, path: str, video_id: str, *, known_path: str | None) -> Followed:
        """Note the new path of a file that moved, and what it replaced."""
        line = None if known_path is None else self.journal.ended(known_path)
        is_there = line.video_id == video_id if line is not None and line.video_id is not None else None
        followed = follow(self.corpus, video_id, known_path=known_path, path=path, is_there=is_there)
        self.replaced.update(followed.replaced)
        self.report.num_moved += followed.has_moved
        return followed

    def _settle_twins(self) -> None:
        """As the first file with their bytes."""
        for file, digest in self.twins:
            stamp, first = self.stamps[file.path], self.journal.ended(self.first[digest])
            if digest in (known := self.corpus.paths([digest])):
                self._follow(file.path, digest, known_path=known[digest])
                self._settle(Line(file.path, "done", stamp, digest))
            elif first is not None and first.status == "failed":
                self._settle(Line(file.path, "failed", stamp, error=f"{first.error} (as {first.path}, the same bytes)"))
        self.twins.clear()

    def _settle(self, line: Line) -> None:
        """A file that no worker had to see."""
        self.journal.write([line])
        self.report.num_already += line.status == "done"
        self.skipped(1)

    def _write(self, together: Sequence[Ended]) -> None:
        """First the corpus, then the journal: a kill in between costs a look, not a video."""
        embedded = [one.embeddings for one in together if one.embeddings is not None]
        if embedded:
            self.replaced.update(self.corpus.put(embedded))
            self.corpus.flush()
        self.report.num_added += len(embedded)
        self.report.num_candidates += sum(one.num_candidates for one in together)
        self.journal.write([self._line(one) for one in together])

    def _line(self, one: Ended) -> Line:
        path, stamp = one.file.path, self.stamps[one.file.path]
        if one.embeddings is None:
            return Line(path, "failed", stamp, error=one.error, attempts=one.attempts)
        return Line(path, "done", stamp, one.embeddings.video_id, attempts=one.attempts, seconds=one.seconds)
