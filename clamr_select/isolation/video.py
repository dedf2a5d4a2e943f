"""The frames of a file, decoded by a worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np

from clamr_select.container import check_container
from clamr_select.errors import DecoderCrashedError, InputError
from clamr_select.isolation.process import WorkerProcess
from clamr_select.limits import DEFAULT_LIMITS, Limits, as_mapping
from clamr_select.video import Backend, DecodedFrame, VideoInfo, VideoReader, open_video
from clamr_select.video.base import checked_indices


def opener(*, isolate: bool) -> Callable[..., VideoReader]:
    """How to open a video: in this process, or in one of its own."""
    return isolated_video if isolate else open_video


def isolated_video(
    path: str | os.PathLike[str],
    *,
    backend: Backend = "pyav",
    limits: Limits = DEFAULT_LIMITS,
    num_threads: int = 1,
) -> IsolatedVideo:
    """As :func:`clamr_select.video.open_video`; also raises ``DecoderCrashedError``."""
    check_container(path, limits=limits)  # what is no media file needs no worker
    # an RGB frame, or the timestamps of all frames
    largest = max(3 * limits.max_pixels, 8 * limits.max_frames)
    worker = WorkerProcess(repr(os.fspath(path)), max_array_bytes=int(largest))
    try:
        opened, timestamps = worker.ask(
            service="video",
            path=os.path.abspath(path),
            backend=backend,
            limits=as_mapping(limits),
            num_threads=num_threads,
        )
    except BaseException:
        worker.close()
        raise
    return IsolatedVideo(worker, opened, timestamps, path=os.fspath(path))


class IsolatedVideo:
    """A :class:`clamr_select.video.reader.VideoReader`; one sequence of frames is read at a time."""

    def __init__(
        self, worker: WorkerProcess, opened: dict[str, Any], timestamps_seconds: np.ndarray | None, *, path: str
    ) -> None:
        if timestamps_seconds is None:
            raise DecoderCrashedError(f"the process that decoded {path!r} gave no timestamps")
        self.info = VideoInfo(**{**opened["info"], "path": path})
        self.timestamps_seconds = timestamps_seconds
        self.warnings: list[tuple[str, str]] = []
        self._worker = worker
        self._closed = False
        self._note(opened)

    def frames(
        self,
        frame_indices: Sequence[int] | np.ndarray,
        *,
        max_side: int | None = None,
        on_undecodable: Literal["raise", "skip"] = "raise",
    ) -> Iterator[DecodedFrame]:
        """See :meth:`clamr_select.video.reader.VideoReader.frames`."""
        if self._closed:
            raise InputError(f"the reader of {self.info.path!r} is closed; open the video again")
        checked = checked_indices(
            frame_indices, num_frames=self.info.num_frames, max_side=max_side, on_undecodable=on_undecodable
        )
        self._worker.ask(
            call="start",
            frame_indices=checked.tolist(),
            max_side=max_side if max_side is None else int(max_side),
            on_undecodable=on_undecodable,
        )
        return self._received()

    def close(self) -> None:
        """End the worker."""
        self._closed = True
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _received(self) -> Iterator[DecodedFrame]:
        ended = False
        try:
            while True:
                answer, image = self._worker.ask(call="next")
                if answer.get("ended"):
                    ended = True
                    self._note(answer)
                    return
                if image is None:
                    raise DecoderCrashedError(
                        f"the process that decoded {self.info.path!r} gave a frame without pixels"
                    )
                yield DecodedFrame(int(answer["index"]), float(answer["seconds"]), image)
        except GeneratorExit:  # left early: what was noticed so far is still wanted
            if not ended and not self._closed:
                self._note(self._worker.ask(call="stop")[0])
            raise

    def _note(self, answer: dict[str, Any]) -> None:
        self.warnings = [(code, message) for code, message in answer["warnings"]]
