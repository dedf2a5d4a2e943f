"""The sound of a file, decoded by a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from clamr_select.container import check_container
from clamr_select.isolation.process import WorkerProcess
from clamr_select.limits import DEFAULT_LIMITS, Limits, as_mapping
from clamr_select.video.audio import SAMPLE_RATE, stretches

_MAX_SECONDS = 3600
"""Of one stretch."""


def isolated_sound(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> IsolatedSound | None:
    """As :func:`clamr_select.video.audio.open_audio`; also raises ``DecoderCrashedError``."""
    check_container(path, limits=limits)  # what is no media file needs no worker
    worker = WorkerProcess(repr(os.fspath(path)), max_array_bytes=4 * SAMPLE_RATE * _MAX_SECONDS)
    try:
        opened, _ = worker.ask(service="sound", path=os.path.abspath(path), limits=as_mapping(limits))
    except BaseException:
        worker.close()
        raise
    if opened.get("silent"):
        worker.close()
        return None
    return IsolatedSound(worker, opened, path=os.fspath(path))


class IsolatedSound:
    """As :class:`clamr_select.video.audio.AudioStream`."""

    def __init__(self, worker: WorkerProcess, opened: dict[str, Any], *, path: str) -> None:
        self.path = path
        self.source: str = opened["source"]
        self.start_seconds: float = opened["start_seconds"]
        self._worker = worker
        self._kept_seconds = self.start_seconds
        self._note(opened)

    def take(self, *, start_seconds: float, end_seconds: float) -> np.ndarray:
        """See :meth:`clamr_select.video.audio.AudioStream.take`."""
        state, samples = self._worker.ask(call="take", start_seconds=start_seconds, end_seconds=end_seconds)
        self._note(state)
        self._kept_seconds = max(self._kept_seconds, start_seconds)
        return np.zeros(0, dtype=np.float32) if samples is None else samples

    def chunks(self, *, seconds: float = 30.0) -> Iterator[tuple[float, np.ndarray]]:
        """See :meth:`clamr_select.video.audio.AudioStream.chunks`."""

        def take(first: int, end: int) -> np.ndarray:
            samples = self.take(start_seconds=first / SAMPLE_RATE, end_seconds=end / SAMPLE_RATE)
            return samples[: max(0, round(self.end_seconds * SAMPLE_RATE) - first)]

        return stretches(take, first=round(self._kept_seconds * SAMPLE_RATE), seconds=seconds)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _note(self, state: dict[str, Any]) -> None:
        self.end_seconds: float = state["end_seconds"]
        self.warnings: list[tuple[str, str]] = [(code, message) for code, message in state["warnings"]]
