"""Progress of the slow stages, for whoever wants to show it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total). Stages count candidates: ``decoding``, ``reading text`` and ``encoding``; before
them ``hearing speech`` counts the seconds of sound, where speech is recognised."""
HEARING = "hearing speech"


class Stopwatch:
    """Wall seconds by stage, added up over many short visits."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
