"""Long work in a thread of its own, watched by whoever waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from clamr_select.indexing.progress import Progress

Stages = dict[str, tuple[int, int]]
"""Stage of the work to (done, total), in the order in which they began."""
Made = TypeVar("Made")


def watched(work: Callable[[Progress], Made]) -> Generator[Stages, None, Made]:
    """Yields how far the work is, and returns what it made; a generator that is closed stops the work, at the next
    step that it tells of.

    Raises:
        What the work raises.
    """
    reports: SimpleQueue[Stages | None] = SimpleQueue()
    nobody_waits = threading.Event()
    stages: Stages = {}

    def progress(stage: str, done: int, total: int) -> None:
        if nobody_waits.is_set():
            raise _Abandoned
        stages[stage] = (done, total)
        reports.put(dict(stages))

    with ThreadPoolExecutor(1, thread_name_prefix="clamr-select-work") as pool:
        made = pool.submit(work, progress)
        made.add_done_callback(lambda _: reports.put(None))
        try:
            while (report := _newest(reports)) is not None:
                yield report
        finally:
            nobody_waits.set()
    return made.result()


class _Abandoned(Exception):
    """Ends the work of a visitor who has left; nobody is there to see it."""


def _newest(reports: SimpleQueue[Stages | None]) -> Stages | None:
    """The last of the reports that wait; the page needs no more than it can show."""
    report = reports.get()
    while report is not None and not reports.empty():
        report = reports.get()
    return report
