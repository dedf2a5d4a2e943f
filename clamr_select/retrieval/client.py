"""The engine through ``qdrant-client``: what a server and the client's own local mode have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import CorpusServerError, missing_dependency
from clamr_select.retrieval.engine import ABSENT, Deployment, Found, Nearest, Plan, Point
from clamr_select.retrieval.filters import AnyOf, Between, Condition, NoneOf, OneOf
from clamr_select.retrieval.fixed_encoding import FixedEncoding
from clamr_select.retrieval.schema import POOLED, Schema
from clamr_select.retrieval.tuning import (
    FIRST_STAGE_FULL_SCAN_KB,
    FULL_SCAN_ONLY,
    HNSW_EF,
    HNSW_EF_CONSTRUCT,
    HNSW_M,
    INDEXING_THRESHOLD_KB,
    OVERSAMPLING,
    UPSERT_BYTES,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models


class ClientEngine:
    """An :class:`clamr_select.retrieval.engine.Engine` over one collection of a client.

    Args:
        collection: its name; it exists.
    """

    deployment: Deployment

    def __init__(self, client: QdrantClient, *, collection: str) -> None:
        self._client, self._collection = client, collection
        self._models = client_package().models

    def upsert(self, points: Sequence[Point]) -> None:
        for some in _of_bounded_size(points):
            made = [
                self._models.PointStruct(
                    id=point.id,
                    vector={name: _numbers(values) for name, values in point.vectors.items()},
                    payload=point.payload,
                )
                for point in some
            ]
            with server_errors():
                self._client.upsert(self._collection, made, wait=True)

    def delete(self, ids: Sequence[str]) -> None:
        if ids:
            with server_errors():
                self._client.delete(self._collection, self._models.PointIdsList(points=list(ids)), wait=True)

    def set_payload(self, payload: Mapping[str, Any], *, id: str) -> None:
        with server_errors():
            self._client.set_payload(self._collection, dict(payload), points=[id], wait=True)

    def search(self, plans: Sequence[Plan]) -> list[list[Found]]:
        requests = [self._request(plan) for plan in plans]
        with server_errors():
            answers = self._client.query_batch_points(self._collection, requests)
        return [
            [
                Found(str(point.id), float(point.score), dict(point.payload or {}))
                for point in answer.points
                if point.score > ABSENT
            ]
            for answer in answers
        ]

    def retrieve(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
        with server_errors():
            records = self._client.retrieve(self._collection, list(ids), with_payload=True, with_vectors=with_vectors)
        return [_point(record) for record in records]

    def scroll(
        self,
        *,
        conditions: Sequence[Condition] = (),
        after: str | None = None,
        limit: int = 256,
        with_vectors: bool = False,
    ) -> tuple[list[Point], str | None]:
        with server_errors():
            records, following = self._client.scroll(
                self._collection,
                scroll_filter=self._filter(conditions, None),
                offset=after,
                limit=limit,
                with_payload=True,
                with_vectors=with_vectors,
            )
        return [_point(record) for record in records], None if following is None else str(following)

    def count(self, *, conditions: Sequence[Condition] = ()) -> int:
        with server_errors():
            return self._client.count(self._collection, self._filter(conditions, None), exact=True).count

    def optimize(self) -> None:
        """A server does so by itself, in the background."""

    def flush(self) -> None:
        """Every write waits for the server's own log."""

    def close(self) -> None:
        self._client.close()

    def _request(self, plan: Plan) -> models.QueryRequest:
        m, chosen = self._models, self._filter(plan.conditions, plan.ids)
        if len(plan.best_of) == 1:
            one = plan.best_of[0]
            return m.QueryRequest(
                query=one.query.tolist(),
                using=one.using,
                prefetch=self._inner(one, chosen),
                params=self.params(one),
                filter=chosen,
                limit=plan.limit,
                with_payload=True,
            )
        names = [f"$score[{number}]" for number in range(len(plan.best_of))]
        return m.QueryRequest(
            prefetch=[self._prefetch(one, chosen) for one in plan.best_of],
            query=m.FormulaQuery(formula=m.MaxExpression(max=list(names)), defaults=dict.fromkeys(names, ABSENT)),
            limit=plan.limit,
            with_payload=True,
        )

    def _prefetch(self, one: Nearest, chosen: models.Filter | None) -> models.Prefetch:
        return self._models.Prefetch(
            query=one.query.tolist(),
            using=one.using,
            limit=one.limit,
            prefetch=self._inner(one, chosen),
            params=self.params(one),
            filter=chosen,
        )

    def _inner(self, one: Nearest, chosen: models.Filter | None) -> list[models.Prefetch] | None:
        return None if one.among is None else [self._prefetch(one.among, chosen)]

    def params(self, one: Nearest) -> models.SearchParams | None:
        """How one named vector is searched."""
        m = self._models
        codes = m.QuantizationSearchParams(ignore=one.exact, rescore=True, oversampling=OVERSAMPLING)
        return m.SearchParams(exact=one.exact, hnsw_ef=max(HNSW_EF, one.limit), quantization=codes)

    def _filter(self, conditions: Iterable[Condition], ids: Sequence[str] | None) -> models.Filter | None:
        must = [self._condition(one) for one in conditions if not isinstance(one, NoneOf)]
        if ids is not None:
            must.append(self._models.HasIdCondition(has_id=list(ids)))
        must_not = [self._condition(each) for one in conditions if isinstance(one, NoneOf) for each in one.alternatives]
        return self._models.Filter(must=must or None, must_not=must_not or None) if must or must_not else None

    def _condition(self, one: AnyOf | Between | OneOf) -> Any:
        m = self._models
        if isinstance(one, OneOf):
            return m.Filter(should=[self._condition(each) for each in one.alternatives])
        if isinstance(one, Between):
            return m.FieldCondition(key=one.key, range=m.Range(**dict(one.bounds)))
        return m.FieldCondition(key=one.key, match=m.MatchAny(any=list(one.values)))


def create_collection(
    client: QdrantClient,
    *,
    collection: str,
    schema: Schema,
    manifest: Mapping[str, Any],
    with_field_indexes: bool = True,
    **of_cluster: Any,
) -> None:
    """
    Args:
        manifest: kept as the collection's metadata.
        **of_cluster: ``shard_number``, ``replication_factor``.
    """
    m, options = client_package().models, schema.options
    multivector = m.VectorParams(
        size=schema.dim,
        distance=m.Distance.DOT,
        multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM),
        datatype=m.Datatype(options.storage),
        hnsw_config=m.HnswConfigDiff(m=0, full_scan_threshold=FULL_SCAN_ONLY),
        quantization_config=_quantization(m, options.quantization),
    )
    pooled = m.VectorParams(
        size=FixedEncoding(schema.dim).encoded_dim,
        distance=m.Distance.DOT,
        datatype=m.Datatype.FLOAT16,
        hnsw_config=m.HnswConfigDiff(
            m=HNSW_M, ef_construct=HNSW_EF_CONSTRUCT, full_scan_threshold=FIRST_STAGE_FULL_SCAN_KB
        ),
        quantization_config=_first_stage_codes(m, schema),
    )
    with server_errors():
        client.create_collection(
            collection,
            vectors_config={**dict.fromkeys(schema.multivectors, multivector), POOLED: pooled},
            optimizers_config=m.OptimizersConfigDiff(indexing_threshold=INDEXING_THRESHOLD_KB),
            metadata=dict(manifest),
            **of_cluster,
        )
        for key, kind in schema.field_indexes.items() if with_field_indexes else ():
            client.create_payload_index(
                collection,
                key,
                field_schema=m.PayloadSchemaType(kind),
                wait=True,
            )


def client_package() -> Any:
    """
    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import qdrant_client
    except ImportError as error:
        raise missing_dependency("qdrant-client", extra="library", purpose="a library of videos on a server") from error
    return qdrant_client


@contextmanager
def server_errors() -> Iterator[None]:
    """The client's errors as one of ours."""
    from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
    from qdrant_client.http.exceptions import ApiException

    try:
        yield
    except ResourceExhaustedResponse as error:
        said = f"{error}; it has too much to do, try again in {error.retry_after_s} s"
        raise CorpusServerError(f"the server of the library: {said}") from error
    except (ApiException, QdrantException) as error:
        raise CorpusServerError(f"the server of the library: {str(error).strip()}") from error


def _first_stage_codes(m: Any, schema: Schema) -> Any:
    """As of the embedded engine."""
    if not schema.center:
        return _quantization(m, "int8")
    eight_bits = m.BinaryQuantizationQueryEncoding.SCALAR8BITS
    return m.BinaryQuantization(binary=m.BinaryQuantizationConfig(memory=m.Memory.PINNED, query_encoding=eight_bits))


def _quantization(m: Any, name: str) -> Any:
    if name == "int8":
        return m.ScalarQuantization(scalar=m.ScalarQuantizationConfig(type=m.ScalarType.INT8, memory=m.Memory.PINNED))
    if name == "turbo4":
        bits = m.TurboQuantQuantizationConfig(bits=m.TurboQuantBitSize.BITS4, memory=m.Memory.PINNED)
        return m.TurboQuantization(turbo=bits)
    return None


def _numbers(values: np.ndarray) -> list[Any]:
    """Seven digits behind the point: all that float32 holds of numbers below 1, in half the text."""
    return values.astype(np.float64).round(7).tolist()


def _of_bounded_size(points: Sequence[Point]) -> Iterator[list[Point]]:
    some: list[Point] = []
    num_bytes = 0
    for point in points:
        size = sum(values.nbytes for values in point.vectors.values())
        if some and num_bytes + size > UPSERT_BYTES:
            yield some
            some, num_bytes = [], 0
        some.append(point)
        num_bytes += size
    if some:
        yield some


def _point(record: Any) -> Point:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    return Point(
        str(record.id),
        dict(record.payload or {}),
        {name: np.asarray(values, dtype=np.float32) for name, values in vectors.items()},
    )
