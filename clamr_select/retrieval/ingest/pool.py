"""Several workers side by side, with no more videos under way than they can take."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from queue import LifoQueue

from clamr_select.errors import InputError
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import Ended, VideoProcess


def index_with_processes(
    files: Iterable[VideoFile], *, settings: IngestSettings, num_workers: int
) -> Generator[Ended, None, None]:
    """What becomes of each file, as it ends; a generator that is closed ends the workers.

    At most ``2 * num_workers`` files are taken ahead: whoever puts results away more slowly than they come holds the
    workers up, and memory stays bounded.

    Raises:
        InputError: fewer than one worker.
        ClamrSelectError: the model cannot be loaded.
    """
    if num_workers < 1:
        raise InputError(f"workers must be at least 1, got {num_workers}")
    processes = [VideoProcess(settings) for _ in range(num_workers)]
    idle: LifoQueue[VideoProcess] = LifoQueue()
    for each in processes:
        idle.put(each)

    def work(file: VideoFile) -> Ended:
        process = idle.get()
        try:
            return process.index(file)
        finally:
            idle.put(process)

    waiting = iter(files)
    pool = ThreadPoolExecutor(num_workers, thread_name_prefix="clamr-ingest")
    try:
        running: set[Future[Ended]] = {pool.submit(work, file) for file in islice(waiting, 2 * num_workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                running |= {pool.submit(work, file) for file in islice(waiting, 1)}
                yield future.result()
    finally:
        for process in processes:
            process.close()
        pool.shutdown(wait=True, cancel_futures=True)
