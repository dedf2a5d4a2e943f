"""A child process that is asked and answers: whatever becomes of it, the parent learns of it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.isolation.messages import pack, unpack


class ChildEnded(Exception):
    """It is gone; the message says how, e.g. ``by SIGSEGV``."""


class ChildSilent(Exception):
    """It did not answer in time, and was ended."""


class ChildNonsense(Exception):
    """What it said is no answer; it was ended."""


class ChildProcess:
    """One child, which ends with :meth:`close`, or when its parent does.

    Args:
        module: of this package, run with ``python -m``; it reads requests and writes answers as
            :mod:`clamr_select.isolation.messages` lays them out.
        max_array_bytes: of one answer.

    Raises:
        InputError: this system cannot wait for pipes.
    """

    def __init__(self, module: str, *, max_array_bytes: int) -> None:
        if os.name != "posix":
            raise InputError("a process of its own waits on pipes in a way that this system does not have")
        self._max_array_bytes = max_array_bytes
        # -P: no module is taken from the folder one happens to be in
        command = [sys.executable, "-P", "-m", module]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.is_closed = False

    def ask(self, request: dict[str, Any], *, max_seconds: float) -> tuple[dict[str, Any], np.ndarray | None]:
        """The answer to a request. Whatever interrupts it closes the child: the next one would get this one's answer.

        Raises:
            ChildEnded, ChildSilent, ChildNonsense: there is none; the child is closed.
        """
        if self.is_closed:
            raise ChildEnded("before")
        deadline = time.monotonic() + max_seconds
        message = pack(request)
        try:
            for part in message:
                self._write(part)
            return unpack(lambda count: self._read(count, deadline), max_array_bytes=self._max_array_bytes)
        except (EOFError, BrokenPipeError):
            how = self._how_it_ended()
            self.close()
            raise ChildEnded(how) from None
        except ValueError as error:
            self.close()
            raise ChildNonsense(str(error)) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self.is_closed = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _write(self, part: bytes | memoryview) -> None:
        rest = memoryview(part)
        while rest:  # a signal that comes while the pipe is full ends a write early
            rest = rest[self._process.stdin.write(rest) :]  # type: ignore[union-attr]

    def _read(self, count: int, deadline: float) -> bytes:
        descriptor, pieces = self._process.stdout.fileno(), []  # type: ignore[union-attr]
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        while count:
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise ChildSilent
            piece = os.read(descriptor, min(count, 1 << 20))
            if not piece:
                raise EOFError
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "its pipe"
        return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


def serve_requests(answer: Any) -> None:
    """The child's side: ``answer(request)`` gives a header and an array or None, until the parent is gone.

    What else is printed goes to stderr, so that it does not get between the messages. A terminal's Ctrl-C comes to the
    whole group of processes, and is left to the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        with answers:
            while True:
                request, _ = unpack(_exactly, max_array_bytes=0)
                for part in pack(*answer(request)):
                    answers.write(part)
                answers.flush()
    except (EOFError, BrokenPipeError):
        return


def _exactly(count: int) -> bytes:
    data = sys.stdin.buffer.read(count)
    if len(data) < count:
        raise EOFError
    return data
