"""The same over a Ray cluster: Ray Data hands out the files, each actor keeps a worker of its own."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, replace
from typing import Any

from clamr_select.errors import missing_dependency
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.packing import pack_video, unpack_video
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import Ended, VideoProcess


class _Actor:
    """A video that ends its worker does not end the actor."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._process = VideoProcess(IngestSettings.from_dict(settings))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        ended = self._process.index(VideoFile(**json.loads(row["file"])))
        known = {**asdict(replace(ended, embeddings=None)), "warnings": list(ended.warnings)}
        packed = b"" if ended.embeddings is None else pack_video(ended.embeddings)
        return {"ended": json.dumps(known), "embeddings": packed}


def index_on_ray(
    files: Sequence[VideoFile], *, settings: IngestSettings, address: str, num_workers: int | None
) -> Generator[Ended, None, None]:
    """What becomes of each file, as it ends. Files, and the model, must be at the same paths on all machines.

    Args:
        address: of a running cluster, ``auto`` for the one of this machine, or ``local`` to start one here.
        num_workers: actors, each with a model; None lets Ray take as many as there is room for.

    Raises:
        MissingDependencyError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise missing_dependency("ray", extra="ray", purpose="clamr-select index --ray") from error
    if not files:
        return
    if not ray.is_initialized():
        ray.init(address, log_to_driver=False)
    most = len(files) if num_workers is None else min(num_workers, len(files))
    pool = ray.data.ActorPoolStrategy(min_size=1 if num_workers is None else most, max_size=most)
    # as JSON: a table's columns have one type each
    rows = ray.data.from_items([{"file": json.dumps(asdict(file))} for file in files], override_num_blocks=len(files))
    actor: Any = _Actor
    ended = rows.map(actor, fn_constructor_args=(settings.to_dict(),), compute=pool, num_cpus=1)
    for row in ended.iter_rows():
        known = json.loads(row["ended"])
        yield Ended(
            **{
                **known,
                "file": VideoFile(**known["file"]),
                "embeddings": unpack_video(row["embeddings"]) if row["embeddings"] else None,
                "warnings": tuple(known["warnings"]),
            }
        )
