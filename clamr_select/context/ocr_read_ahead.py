"""Read several frames at once: onnxruntime leaves Python free to run one engine a core."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np

from clamr_select.context.ocr import OcrEngine, TextBox
from clamr_select.errors import InputError


class OcrReadAhead:
    """An :class:`OcrEngine` that reads announced images in the background, one thread an engine.

    The text is that of the engines, whatever their number. Close it, or use it as a context manager.
    """

    def __init__(self, engines: Sequence[OcrEngine]) -> None:
        if not engines:
            raise InputError("OcrReadAhead needs at least one engine, got none")
        self.name = engines[0].name
        self._idle: SimpleQueue[OcrEngine] = SimpleQueue()
        for engine in engines:
            self._idle.put(engine)
        self._pool = ThreadPoolExecutor(max_workers=len(engines), thread_name_prefix="ocr")
        # by identity; the image is kept so that its id stays its own
        self._announced: dict[int, tuple[np.ndarray, Future[list[TextBox]]]] = {}

    def announce(self, images: Sequence[np.ndarray]) -> None:
        """Start reading ``images`` in order, and forget those announced before.

        One with the very pixels of the one before it is left out.
        """
        self._announced.clear()  # of the images before, whatever was not asked for
        before: np.ndarray | None = None
        for image in images:
            if before is None or not np.array_equal(image, before):
                self._announced[id(image)] = (image, self._pool.submit(self._read_with_any, image))
            before = image

    def read(self, image: np.ndarray) -> list[TextBox]:
        """See :meth:`OcrEngine.read`; waits where the image was announced."""
        announced = self._announced.pop(id(image), None)
        return self._read_with_any(image) if announced is None else announced[1].result()

    def _read_with_any(self, image: np.ndarray) -> list[TextBox]:
        engine = self._idle.get()
        try:
            return engine.read(image)
        finally:
            self._idle.put(engine)

    def close(self) -> None:
        """Drop what was announced and not read."""
        self._announced.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> OcrReadAhead:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
