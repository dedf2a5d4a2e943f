"""Repeated, interleaved timings: medians with their spread, so that a busy machine slows all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """Of several runs, in milliseconds."""

    median: float
    low: float
    """First quartile."""
    high: float
    """Third quartile."""
    num_runs: int


def interleaved(
    calls: Mapping[str, Callable[[], object]],
    *,
    device: torch.device,
    num_runs: int,
    num_warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Timings of several calls that take turns.

    Args:
        device: on CUDA, events on the stream take the time and ``clock`` is not used.
        clock: seconds; ``time.thread_time`` counts what this thread computed, whoever else is on the machine.
    """
    once = _by_events if device.type == "cuda" else _by_clock
    for call in calls.values():
        for _ in range(num_warm_up):
            once(call, clock)
    milliseconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(num_runs):
        for name, call in calls.items():
            milliseconds[name].append(once(call, clock))
    return {name: summarize(values) for name, values in milliseconds.items()}


def summarize(milliseconds: list[float]) -> Timing:
    """Median and quartiles."""
    if len(milliseconds) == 1:
        return Timing(milliseconds[0], milliseconds[0], milliseconds[0], 1)
    low, median, high = statistics.quantiles(milliseconds, n=4, method="inclusive")
    return Timing(median, low, high, len(milliseconds))


def _by_events(call: Callable[[], object], clock: Callable[[], float]) -> float:
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def _by_clock(call: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    call()
    return 1000 * (clock() - started)
