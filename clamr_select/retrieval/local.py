"""The fallback deployment: the client's own re-implementation of the engine, in memory, its points in files of ours.

For machines that the embedded engine has no wheel for. Slow, and everything is in memory; it has to be asked for. The
client could keep its points in a file too, but writes pickles, which can run code when they are read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.errors import DamagedCorpusError
from clamr_select.retrieval.atomic import write_bytes
from clamr_select.retrieval.client import ClientEngine, client_package, create_collection
from clamr_select.retrieval.engine import Deployment, Found, Nearest, Plan, Point
from clamr_select.retrieval.filters import Condition
from clamr_select.retrieval.record import from_bytes, to_bytes
from clamr_select.retrieval.schema import Schema

COLLECTION = "videos"
SUFFIX = ".safetensors"


class LocalEngine(ClientEngine):
    """An :class:`clamr_select.retrieval.engine.Engine`; a lock lets one thread at a time into the client."""

    deployment: Deployment = "local"

    def __init__(self, folder: Path, schema: Schema) -> None:
        client = client_package().QdrantClient(":memory:")
        create_collection(client, collection=COLLECTION, schema=schema, manifest={}, with_field_indexes=False)
        super().__init__(client, collection=COLLECTION)
        self._folder, self._dtype = folder, np.float32 if schema.options.storage == "float32" else np.float16
        self._lock = threading.RLock()

    @classmethod
    def open(cls, folder: Path, schema: Schema) -> LocalEngine:
        """With the points that the folder holds.

        Raises:
            DamagedCorpusError: one of its files cannot be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        engine = cls(folder, schema)
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            point = from_bytes(path.read_bytes(), what=str(path))
            if point.id != path.stem:
                raise DamagedCorpusError(f"{path} holds another video than its name says; remove it")
            super(LocalEngine, engine).upsert([point])
        return engine

    def params(self, one: Nearest) -> None:
        """It compares every vector, and warns of anything else that it is told."""

    def upsert(self, points: Sequence[Point]) -> None:
        with self._lock:
            for point in points:
                write_bytes(self._folder / f"{point.id}{SUFFIX}", to_bytes(_as(point, self._dtype)))
            super().upsert([_as(point, self._dtype) for point in points])

    def delete(self, ids: Sequence[str]) -> None:
        with self._lock:
            for each in ids:
                (self._folder / f"{each}{SUFFIX}").unlink(missing_ok=True)
            super().delete(ids)

    def set_payload(self, payload: Mapping[str, Any], *, id: str) -> None:
        with self._lock:
            super().set_payload(payload, id=id)
            for point in super().retrieve([id], with_vectors=True):
                write_bytes(self._folder / f"{id}{SUFFIX}", to_bytes(_as(point, self._dtype)))

    def search(self, plans: Sequence[Plan]) -> list[list[Found]]:
        with self._lock:
            return super().search(plans)

    def retrieve(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
        with self._lock:
            return super().retrieve(ids, with_vectors=with_vectors)

    def scroll(
        self,
        *,
        conditions: Sequence[Condition] = (),
        after: str | None = None,
        limit: int = 256,
        with_vectors: bool = False,
    ) -> tuple[list[Point], str | None]:
        with self._lock:
            return super().scroll(conditions=conditions, after=after, limit=limit, with_vectors=with_vectors)

    def count(self, *, conditions: Sequence[Condition] = ()) -> int:
        with self._lock:
            return super().count(conditions=conditions)


def _as(point: Point, dtype: Any) -> Point:
    """The point with its vectors rounded as they are kept."""
    return Point(point.id, point.payload, {name: values.astype(dtype) for name, values in point.vectors.items()})
