"""Read several frames at once: onnxruntime leaves Python free to run one engine a core."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import TypeVar, cast

import numpy as np

from clamr_select.context.frame_change import changed_blocks
from clamr_select.context.ocr import OcrEngine, StagedOcrEngine, TextBox
from clamr_select.context.ocr_gate import FrameText, GateCounts, OcrGate, Reading
from clamr_select.context.timed_text import Corners
from clamr_select.errors import InputError

_Result = TypeVar("_Result")


class OcrReadAhead:
    """An :class:`OcrEngine` for the frames of one video: reads announced images in the background, one thread an
    engine.

    With engines that find and read in two steps, text that stays is not read again (:class:`OcrGate`); with others,
    frames on which nothing moved. The text does not depend on the number of engines. Close it, or use it as a context
    manager.

    Args:
        engines: equal ones.
        gated: False reads every frame that is not, pixel for pixel, the one before.
    """

    def __init__(self, engines: Sequence[OcrEngine], *, gated: bool = True) -> None:
        if not engines:
            raise InputError("OcrReadAhead needs at least one engine, got none")
        self.name = engines[0].name
        self._workers = _Workers(engines)
        self._leader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ocr-gate")
        """Passes the frames through the gate, in order."""
        self._steps: _StepsAhead | None = None
        self._gate: OcrGate | _WholeFrames
        if gated and all(isinstance(engine, StagedOcrEngine) for engine in engines):
            self._steps = _StepsAhead(self._workers)
            self._gate = OcrGate(self._steps)
        else:
            self._gate = _WholeFrames(self._workers, pixel_for_pixel=not gated)
        self._announced: deque[tuple[np.ndarray, Future[FrameText]]] = deque()

    @property
    def counts(self) -> GateCounts:
        """What the frames took so far."""
        return self._gate.counts

    def announce(self, images: Sequence[np.ndarray]) -> None:
        """Start reading the next images, in order; they must not change until they are read.

        Raises:
            InputError: earlier ones were not all read.
        """
        if self._announced:
            raise InputError(f"{len(self._announced)} announced images were not read yet; read them first")
        if self._steps is not None:
            self._steps.look_ahead(images)
        for image in images:
            self._announced.append((image, self._leader.submit(self._gate.add, image)))

    def read(self, image: np.ndarray) -> list[TextBox]:
        """See :meth:`OcrEngine.read`; waits where the image was announced.

        Raises:
            InputError: another image is next.
        """
        if not self._announced:
            self.announce([image])
        announced, passed = self._announced[0]
        if announced is not image:
            raise InputError("images are read in the order in which they were announced; another one is next")
        self._announced.popleft()
        return passed.result()()

    def close(self) -> None:
        """Drop what was announced and not read."""
        self._announced.clear()
        self._leader.shutdown(wait=True, cancel_futures=True)
        self._workers.close()

    def __enter__(self) -> OcrReadAhead:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _Workers:
    """Threads that share engines, none used by two at once."""

    def __init__(self, engines: Sequence[OcrEngine]) -> None:
        self.number = len(engines)
        self._idle: SimpleQueue[OcrEngine] = SimpleQueue()
        for engine in engines:
            self._idle.put(engine)
        self._pool = ThreadPoolExecutor(max_workers=len(engines), thread_name_prefix="ocr")

    def start(self, work: Callable[[OcrEngine], _Result]) -> Future[_Result]:
        return self._pool.submit(self.run, work)

    def run(self, work: Callable[[OcrEngine], _Result]) -> _Result:
        """In this thread, with the next engine that is idle."""
        engine = self._idle.get()
        try:
            return work(engine)
        finally:
            self._idle.put(engine)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class _StepsAhead:
    """The gate's steps. While it glances at one frame, the next ones are glanced at too, one an engine."""

    def __init__(self, workers: _Workers) -> None:
        self._workers = workers
        self._images: Sequence[np.ndarray] = ()
        # by identity; the announced images are kept, so an id stays its own
        self._positions: dict[int, int] = {}
        self._glances: dict[int, Future[list[Corners]]] = {}

    def look_ahead(self, images: Sequence[np.ndarray]) -> None:
        """The images to come."""
        self._images = images
        self._positions = {id(image): position for position, image in enumerate(images)}
        self._glances = {}

    def glance(self, image: np.ndarray) -> list[Corners]:
        position = self._positions.get(id(image), len(self._images))
        for ahead in self._images[position + 1 : position + self._workers.number]:
            if id(ahead) not in self._glances:
                self._glances[id(ahead)] = self._workers.start(partial(_glance, ahead))
        started = self._glances.get(id(image))
        return self._workers.run(partial(_glance, image)) if started is None else started.result()

    def find(self, image: np.ndarray) -> list[Corners]:
        return self._workers.run(lambda engine: _staged(engine).find(image))

    def start_reading(self, image: np.ndarray, corners: Corners) -> Reading:
        return self._workers.start(lambda engine: _staged(engine).read_line(image, corners)).result


def _glance(image: np.ndarray, engine: OcrEngine) -> list[Corners]:
    return _staged(engine).glance(image)


def _staged(engine: OcrEngine) -> StagedOcrEngine:
    return cast(StagedOcrEngine, engine)


class _WholeFrames:
    """For engines without steps: a frame is read whole, or not at all."""

    def __init__(self, workers: _Workers, *, pixel_for_pixel: bool) -> None:
        self.counts = GateCounts()
        self._workers = workers
        self._pixel_for_pixel = pixel_for_pixel
        self._read: np.ndarray | None = None
        self._text: FrameText = list

    def add(self, image: np.ndarray) -> FrameText:
        self.counts.frames += 1
        if self._read is None or self._has_changed(image, self._read):
            self.counts.searches += 1
            self._read = image.copy()
            self._text = self._workers.start(lambda engine: engine.read(image)).result
        return self._text

    def _has_changed(self, image: np.ndarray, before: np.ndarray) -> bool:
        if self._pixel_for_pixel or image.shape != before.shape:
            return not np.array_equal(image, before)
        return bool(changed_blocks(image, before).any())
