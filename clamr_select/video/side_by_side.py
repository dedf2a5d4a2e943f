"""Stretches of a video decoded by several threads, each with a decoder of its own, delivered in order.

FFmpeg's own frame threads are not used: they take a third more CPU time where frames are left out, and what they fill
in where a file is damaged is not what one thread does. A stretch gives the same pictures whichever thread reads it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from queue import SimpleQueue

import numpy as np

from clamr_select.video.base import Images
from clamr_select.video.channel import Channel
from clamr_select.video.stretch_decoder import StretchDecoder, StretchReading

MAX_THREADS = 8
STRETCHES_A_THREAD = 2
"""That are announced and not delivered: a thread that is done need not wait for a slower one before it."""
MAX_AHEAD_BYTES = 64 << 20
"""Of pictures that wait to be delivered, as far as one a stretch allows."""
MAX_DECODER_BYTES = 1 << 30
"""Of what all decoders may hold."""
_DECODER_PICTURES = 16
"""That a decoder keeps, at most, to refer to (H.264 and HEVC)."""

Picture = tuple[int, np.ndarray | None]
OpenDecoder = Callable[[], StretchDecoder]


def usable_threads(num_threads: int, *, num_stretches: int, coded_size: tuple[int, int]) -> int:
    """As many as have something to read, and as memory allows."""
    width, height = coded_size
    decoder_bytes = _DECODER_PICTURES * width * height * 3 // 2
    return max(1, min(num_threads, MAX_THREADS, num_stretches, MAX_DECODER_BYTES // decoder_bytes))


def one_by_one(readings: Sequence[StretchReading], open_decoder: OpenDecoder) -> Images:
    """The images of all, in order, in this thread."""
    with open_decoder() as decoder:
        for reading in readings:
            yield from decoder.images(reading)


def side_by_side(
    readings: Sequence[StretchReading], open_decoder: OpenDecoder, *, num_threads: int, image_bytes: int
) -> Images:
    """The images of all, in order, each stretch by one of ``num_threads``; threads have ended when the generator has.

    Args:
        image_bytes: of one image.
    """
    num_ahead = STRETCHES_A_THREAD * num_threads
    max_waiting = max(1, MAX_AHEAD_BYTES // (num_ahead * image_bytes))
    announced: SimpleQueue[tuple[StretchReading, Channel[Picture]] | None] = SimpleQueue()
    ahead: deque[tuple[StretchReading, Channel[Picture]]] = deque()
    coming = iter(readings)

    def announce(number: int) -> None:
        for reading in islice(coming, number):
            ahead.append((reading, Channel(max_waiting=max_waiting)))
            announced.put(ahead[-1])

    # daemons: an iterator that somebody keeps must not keep the process from ending
    threads = [
        threading.Thread(target=_decode, args=(announced, open_decoder), name=f"clamr-decoding-{number}", daemon=True)
        for number in range(num_threads)
    ]
    announce(num_ahead)
    try:
        for thread in threads:
            thread.start()
        while ahead:
            yield from ahead[0][1]
            ahead.popleft()
            announce(1)
    finally:
        for reading, channel in ahead:
            reading.is_cancelled = True
            channel.leave()
        for _ in threads:
            announced.put(None)
        for thread in threads:
            if thread.ident is not None:  # that was started
                thread.join()


def _decode(announced: SimpleQueue[tuple[StretchReading, Channel[Picture]] | None], open_decoder: OpenDecoder) -> None:
    decoder: StretchDecoder | None = None
    try:
        while (task := announced.get()) is not None:
            reading, channel = task
            with channel:
                if reading.is_cancelled:
                    continue
                if decoder is None:
                    decoder = open_decoder()
                images = decoder.images(reading)
                while (picture := next(images, None)) is not None and channel.put(picture):
                    pass
                images.close()
    finally:
        if decoder is not None:
            decoder.close()
