"""The process that indexes videos, one after the other, with a model of its own.

Run by :class:`~clamr_select.retrieval.ingest.video_process.VideoProcess` as
``python -m clamr_select.retrieval.ingest.worker``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clamr_select.errors import ClamrSelectError, InputError
from clamr_select.isolation.child import serve_requests
from clamr_select.retrieval.files import VideoFile, index_file
from clamr_select.retrieval.ingest.packing import pack_video
from clamr_select.retrieval.ingest.settings import IngestSettings

Answer = tuple[dict[str, Any], np.ndarray | None]


class Server:
    """The first request has the settings, and loads the model; every other one is a video."""

    def __init__(self) -> None:
        self._settings: IngestSettings | None = None
        self._encoder: Any = None

    def answer(self, request: dict[str, Any]) -> Answer:
        try:
            if self._settings is None:
                self._load(IngestSettings.from_dict(request["settings"]))
                return {"ready": True}, None
            return self._index(VideoFile(**request["file"]), self._settings)
        except ClamrSelectError as error:
            return {"error": type(error).__name__, "message": str(error)}, None
        except OSError as error:  # the file may not be read
            return {"error": InputError.__name__, "message": f"{error.filename}: {error.strerror}"}, None

    def _load(self, settings: IngestSettings) -> None:
        import torch

        from clamr_select.model.encoder import ClamrEncoder

        if settings.num_threads is not None:
            torch.set_num_threads(settings.num_threads)
        self._encoder = ClamrEncoder.from_pretrained(**settings.model)
        self._settings = settings

    def _index(self, file: VideoFile, settings: IngestSettings) -> Answer:
        found = index_file(
            file,
            encoder=self._encoder,
            options=settings.options,
            max_tokens=settings.max_tokens,
            cache_dir=settings.cache_dir,
        )
        noted = {
            "num_candidates": found.num_candidates,
            "was_stored": found.was_stored,
            "warnings": [[w.code, w.message] for w in found.warnings],
        }
        return noted, np.frombuffer(pack_video(found.embeddings), dtype=np.uint8)


if __name__ == "__main__":
    serve_requests(Server().answer)
