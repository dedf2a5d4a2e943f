"""A few threads, each with a part of the blocks.

Torch would split every small product among its threads and wait for the slowest, block after block; on a busy machine
that takes many times longer than one thread alone. Here the video is split once, and joined once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import torch

from clamr_select.scoring.groups import Block

T = TypeVar("T")
MIN_BLOCKS = 8
"""Of a part: less is not worth a thread."""
MAX_WORKERS = 8
"""Reading memory is what bounds more."""

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def in_parts(work: Callable[[Sequence[Block]], T], blocks: Sequence[Block]) -> list[T]:
    """The results of consecutive parts, in order; as many threads as torch may use."""
    num_parts = max(1, min(torch.get_num_threads(), MAX_WORKERS, len(blocks) // MIN_BLOCKS))
    if not blocks:
        return []
    if num_parts == 1:
        return [work(blocks)]
    edges = [len(blocks) * part // num_parts for part in range(num_parts + 1)]
    parts = [blocks[start:stop] for start, stop in pairwise(edges)]
    return list(_pool(num_parts).map(work, parts))


def _pool(num_workers: int) -> ThreadPoolExecutor:
    with _lock:
        if num_workers not in _pools:
            _pools[num_workers] = _single_threaded_pool(num_workers)
        return _pools[num_workers]


def _single_threaded_pool(num_workers: int) -> ThreadPoolExecutor:
    """Workers within which torch uses one thread.

    Torch keeps the number for the calling thread, and one more for threads that are yet to come: the latter is put
    back once every worker has started.
    """
    num_threads = torch.get_num_threads()
    started = threading.Barrier(num_workers + 1)

    def start() -> None:
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(num_workers, thread_name_prefix="clamr-scoring", initializer=start)
    for _ in range(num_workers):
        pool.submit(int)
    started.wait()
    torch.set_num_threads(num_threads)
    return pool
