"""A worker process as its parent sees it: requests, answers, and an error where it ended or fell silent."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np

from clamr_select import errors
from clamr_select.errors import (
    ClamrSelectError,
    ContextError,
    DecoderCrashedError,
    InputError,
    MissingDependencyError,
    UnknownNameError,
    VideoError,
)
from clamr_select.isolation.messages import pack, unpack

MAX_SILENT_SECONDS = 120.0
"""A request that takes longer is given up: the worker hangs. Opening a video of hours takes seconds."""

_OF_FILES = (VideoError, ContextError, MissingDependencyError, UnknownNameError)


class WorkerProcess:
    """One worker. It ends with :meth:`close`, or when its parent does.

    Args:
        what: for messages, e.g. ``'talk.mp4'``.
        max_array_bytes: of one answer.
    """

    def __init__(self, what: str, *, max_array_bytes: int) -> None:
        if os.name != "posix":
            raise InputError("isolate=True waits on pipes in a way that this system does not have; leave it out")
        self._what, self._max_array_bytes = what, max_array_bytes
        # -P: no module is taken from the folder one happens to be in
        command = [sys.executable, "-P", "-m", "clamr_select.isolation.worker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._closed = False

    def ask(self, **request: Any) -> tuple[dict[str, Any], np.ndarray | None]:
        """The answer to a request.

        Raises:
            ClamrSelectError: the one that was raised in the worker.
            DecoderCrashedError: the worker ended, fell silent, or said what is no answer.
        """
        if self._closed:
            raise DecoderCrashedError(f"the process that decoded {self._what} has ended; open it again")
        deadline = time.monotonic() + MAX_SILENT_SECONDS
        try:
            for part in pack(request):
                self._process.stdin.write(part)  # type: ignore[union-attr]
            answer, array = unpack(lambda count: self._read(count, deadline), max_array_bytes=self._max_array_bytes)
        except (EOFError, BrokenPipeError):
            raise self._ended() from None
        except ValueError as error:
            self.close()
            raise DecoderCrashedError(f"the process that decoded {self._what} answered nonsense: {error}") from None
        if "error" in answer:
            raise _raised(answer)
        return answer, array

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self, count: int, deadline: float) -> bytes:
        descriptor, pieces = self._process.stdout.fileno(), []  # type: ignore[union-attr]
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        while count:
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                self.close()
                raise DecoderCrashedError(
                    f"decoding {self._what} gave nothing for {MAX_SILENT_SECONDS:g} s and was ended; the file makes "
                    f"its decoder hang"
                )
            piece = os.read(descriptor, min(count, 1 << 20))
            if not piece:
                raise EOFError
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def _ended(self) -> DecoderCrashedError:
        try:
            status = self._process.wait(timeout=5)
            how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        except subprocess.TimeoutExpired:
            how = "its pipe"
        self.close()
        return DecoderCrashedError(
            f"the process that decoded {self._what} was ended {how}: the file crashes its decoder. Re-encode it, or "
            f"try another backend."
        )


def _raised(answer: dict[str, Any]) -> ClamrSelectError:
    """The worker's error, of its own class: one of those that opening and reading a file raise."""
    kind = getattr(errors, str(answer["error"]), None)
    if kind is InputError or (isinstance(kind, type) and issubclass(kind, _OF_FILES)):
        return kind(str(answer["message"]))
    return DecoderCrashedError(str(answer["message"]))
