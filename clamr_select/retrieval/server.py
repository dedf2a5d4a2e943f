"""The deployment on a Qdrant server or cluster, by its URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clamr_select.errors import CorpusNotFoundError, InputError
from clamr_select.retrieval.client import ClientEngine, client_package, create_collection, server_errors
from clamr_select.retrieval.engine import Deployment
from clamr_select.retrieval.schema import Schema

API_KEY_VARIABLE = "QDRANT_API_KEY"


@dataclass(frozen=True)
class ServerOptions:
    """
    Raises:
        InputError: a number below 1.
    """

    collection: str = "clamr-select"
    api_key: str | None = None
    """None takes ``$QDRANT_API_KEY``, where that is set."""
    timeout_seconds: int = 60
    num_shards: int = 1
    """Parts that a new collection is spread over the nodes in."""
    num_replicas: int = 1
    """Nodes that keep each part of a new collection."""

    def __post_init__(self) -> None:
        for name in ("timeout_seconds", "num_shards", "num_replicas"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")


class ServerEngine(ClientEngine):
    """An :class:`clamr_select.retrieval.engine.Engine`."""

    deployment: Deployment = "server"

    @classmethod
    def connect(cls, url: str, *, options: ServerOptions) -> ServerEngine:
        """Nothing is asked of the server yet."""
        client = client_package().QdrantClient(
            url=url,
            api_key=options.api_key or os.environ.get(API_KEY_VARIABLE),
            timeout=options.timeout_seconds,
            check_compatibility=False,  # it prints; a server that is too old says what it does not know
        )
        return cls(client, collection=options.collection)

    def manifest(self) -> Mapping[str, Any] | None:
        """What the collection says of itself; None where there is no collection.

        Raises:
            CorpusNotFoundError: it is not one of ours.
            CorpusServerError: the server cannot be reached.
        """
        with server_errors():
            if not self._client.collection_exists(self._collection):
                return None
            found = self._client.get_collection(self._collection).config.metadata
        if not found:
            raise CorpusNotFoundError(
                f"the collection {self._collection!r} is no library of this package; choose another name"
            )
        return found

    def create(self, schema: Schema, *, manifest: Mapping[str, Any], options: ServerOptions) -> None:
        create_collection(
            self._client,
            collection=self._collection,
            schema=schema,
            manifest=manifest,
            shard_number=options.num_shards,
            replication_factor=options.num_replicas,
        )

    def save_manifest(self, manifest: Mapping[str, Any]) -> None:
        with server_errors():
            self._client.update_collection(self._collection, metadata=dict(manifest))
