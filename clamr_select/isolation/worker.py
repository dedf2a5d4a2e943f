"""The process that decodes: opens one thing, then answers one request after the other until its input ends.

Run by :mod:`clamr_select.isolation.process` as ``python -m clamr_select.isolation.worker``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from clamr_select.context.chapters import container_chapters
from clamr_select.context.embedded import embedded_subtitles
from clamr_select.errors import ClamrSelectError, InputError
from clamr_select.isolation.child import serve_requests
from clamr_select.limits import Limits
from clamr_select.video import open_video
from clamr_select.video.audio import open_audio

Answer = tuple[dict[str, Any], np.ndarray | None]


class VideoService:
    """Answers for an open video: frames one by one, and what was noticed."""

    def __init__(self, *, path: str, backend: Any, limits: dict[str, Any], num_threads: int) -> None:
        self._reader = open_video(path, backend=backend, limits=Limits(**limits), num_threads=num_threads)
        self._frames: Iterator[Any] = iter(())

    def opened(self) -> Answer:
        return {"info": asdict(self._reader.info), "warnings": self._reader.warnings}, self._reader.timestamps_seconds

    def start(self, *, frame_indices: list[int], max_side: int | None, on_undecodable: Any) -> Answer:
        self._frames = iter(self._reader.frames(frame_indices, max_side=max_side, on_undecodable=on_undecodable))
        return {}, None

    def next(self) -> Answer:
        frame = next(self._frames, None)
        if frame is None:
            return {"ended": True, "warnings": self._reader.warnings}, None
        return {"index": frame.frame_index, "seconds": frame.timestamp_seconds}, frame.image

    def stop(self) -> Answer:
        """Leave the frames that were started; what was noticed on the way."""
        self._frames.close()  # type: ignore[attr-defined]
        return {"warnings": self._reader.warnings}, None


class SoundService:
    """Answers for open sound: stretches of it, in order."""

    def __init__(self, *, path: str, limits: dict[str, Any]) -> None:
        self._stream = open_audio(path, limits=Limits(**limits))

    def opened(self) -> Answer:
        if self._stream is None:
            return {"silent": True}, None
        return {"source": self._stream.source, "start_seconds": self._stream.start_seconds, **self._state()}, None

    def take(self, *, start_seconds: float, end_seconds: float) -> Answer:
        if self._stream is None:
            raise InputError("there is no sound to take")
        samples = self._stream.take(start_seconds=start_seconds, end_seconds=end_seconds)
        return self._state(), samples

    def _state(self) -> dict[str, Any]:
        stream = self._stream
        return {} if stream is None else {"end_seconds": stream.end_seconds, "warnings": stream.warnings}


class SubtitlesService:
    """Reads the subtitles inside a file."""

    def __init__(self, *, path: str, limits: dict[str, Any]) -> None:
        self._track = embedded_subtitles(path, limits=Limits(**limits))

    def opened(self) -> Answer:
        return {"track": None if self._track is None else asdict(self._track)}, None


class ChaptersService:
    """Reads the chapters inside a file."""

    def __init__(self, *, path: str, limits: dict[str, Any]) -> None:
        self._chapters = container_chapters(path, limits=Limits(**limits))

    def opened(self) -> Answer:
        return {"chapters": [asdict(chapter) for chapter in self._chapters]}, None


SERVICES: dict[str, Any] = {
    "video": VideoService,
    "sound": SoundService,
    "subtitles": SubtitlesService,
    "chapters": ChaptersService,
}


class Server:
    """Answers one request after the other; the first one opens."""

    def __init__(self) -> None:
        self._service: Any = None

    def answer(self, request: dict[str, Any]) -> Answer:
        try:
            if self._service is None:
                self._service = SERVICES[request.pop("service")](**request)
                return self._service.opened()
            return getattr(self._service, request.pop("call"))(**request)
        except ClamrSelectError as error:
            return {"error": type(error).__name__, "message": str(error)}, None


if __name__ == "__main__":
    serve_requests(Server().answer)
