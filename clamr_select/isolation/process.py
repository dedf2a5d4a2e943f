"""A worker process as its parent sees it: requests, answers, and an error where it ended or fell silent."""

from __future__ import annotations

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
from clamr_select.isolation.child import ChildEnded, ChildNonsense, ChildProcess, ChildSilent

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
        self._what = what
        self._child = ChildProcess("clamr_select.isolation.worker", max_array_bytes=max_array_bytes)

    def ask(self, **request: Any) -> tuple[dict[str, Any], np.ndarray | None]:
        """The answer to a request.

        Raises:
            ClamrSelectError: the one that was raised in the worker.
            DecoderCrashedError: the worker ended, fell silent, or said what is no answer.
        """
        if self._child.is_closed:
            raise DecoderCrashedError(f"the process that decoded {self._what} has ended; open it again")
        try:
            answer, array = self._child.ask(request, max_seconds=MAX_SILENT_SECONDS)
        except ChildEnded as ended:
            raise DecoderCrashedError(
                f"the process that decoded {self._what} was ended {ended}: the file crashes its decoder. Re-encode it, "
                "or try another backend."
            ) from None
        except ChildSilent:
            raise DecoderCrashedError(
                f"decoding {self._what} gave nothing for {MAX_SILENT_SECONDS:g} s and was ended; the file makes "
                "its decoder hang"
            ) from None
        except ChildNonsense as error:
            raise DecoderCrashedError(f"the process that decoded {self._what} answered nonsense: {error}") from None
        if "error" in answer:
            raise _raised(answer)
        return answer, array

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        self._child.close()


def _raised(answer: dict[str, Any]) -> ClamrSelectError:
    """The worker's error, of its own class: one of those that opening and reading a file raise."""
    kind = getattr(errors, str(answer["error"]), None)
    if kind is InputError or (isinstance(kind, type) and issubclass(kind, _OF_FILES)):
        return kind(str(answer["message"]))
    return DecoderCrashedError(str(answer["message"]))
