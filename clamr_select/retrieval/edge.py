"""The embedded deployment: Qdrant's own engine in this process, its files in a directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.errors import CorpusError, DamagedCorpusError, missing_dependency
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
)

if TYPE_CHECKING:
    import qdrant_edge


class EdgeEngine:
    """An :class:`clamr_select.retrieval.engine.Engine`. One process at a time may hold a directory; whoever opens one
    has locked it."""

    deployment: Deployment = "embedded"

    def __init__(self, shard: qdrant_edge.EdgeShard) -> None:
        self._edge = _package()
        self._shard = shard

    @classmethod
    def create(cls, folder: Path, schema: Schema) -> EdgeEngine:
        """In an empty folder."""
        edge = _package()
        folder.mkdir(parents=True)
        engine = cls(edge.EdgeShard.create(str(folder), _config(edge, schema)))
        for key, kind in schema.field_indexes.items():
            index_kind = getattr(edge.PayloadSchemaType, kind.capitalize())
            engine._update(edge.UpdateOperation.create_field_index(key, index_kind))
        return engine

    @classmethod
    def load(cls, folder: Path) -> EdgeEngine:
        """
        Raises:
            DamagedCorpusError: the engine cannot read its files.
        """
        edge = _package()
        try:
            with _engine_errors():
                shard = edge.EdgeShard.load(str(folder))
        except CorpusError as error:
            raise DamagedCorpusError(f"{folder} cannot be opened: {error}") from error
        return cls(shard)

    def upsert(self, points: Sequence[Point]) -> None:
        made = [  # lists: the package reads arrays number by number, and takes twice as long
            self._edge.Point(
                id=point.id, vector={n: v.tolist() for n, v in point.vectors.items()}, payload=point.payload
            )
            for point in points
        ]
        if made:
            self._update(self._edge.UpdateOperation.upsert_points(made))

    def delete(self, ids: Sequence[str]) -> None:
        if ids:
            self._update(self._edge.UpdateOperation.delete_points(list(ids)))

    def set_payload(self, payload: Mapping[str, Any], *, id: str) -> None:
        self._update(self._edge.UpdateOperation.set_payload([id], dict(payload)))

    def search(self, plans: Sequence[Plan]) -> list[list[Found]]:
        requests = [self._request(plan) for plan in plans]
        with _engine_errors():
            answers = self._shard.query_batch(self._edge.QueryBatchRequest(requests))
        return [
            [Found(str(point.id), float(point.score), point.payload or {}) for point in points if point.score > ABSENT]
            for points in answers
        ]

    def retrieve(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
        with _engine_errors():
            records = self._shard.retrieve(list(ids), True, with_vectors)
        return [_point(record) for record in records]

    def scroll(
        self,
        *,
        conditions: Sequence[Condition] = (),
        after: str | None = None,
        limit: int = 256,
        with_vectors: bool = False,
    ) -> tuple[list[Point], str | None]:
        request = self._edge.ScrollRequest(
            offset=after,
            limit=limit,
            filter=self._filter(conditions, None),
            with_payload=True,
            with_vector=with_vectors,
        )
        with _engine_errors():
            records, following = self._shard.scroll(request)
        return [_point(record) for record in records], None if following is None else str(following)

    def count(self, *, conditions: Sequence[Condition] = ()) -> int:
        request = self._edge.CountRequest(exact=True, filter=self._filter(conditions, None))
        with _engine_errors():
            return self._shard.count(request)

    def optimize(self) -> None:
        with _engine_errors():
            self._shard.optimize()

    def flush(self) -> None:
        with _engine_errors():
            self._shard.flush()

    def close(self) -> None:
        with _engine_errors():
            self._shard.close()

    def _update(self, operation: qdrant_edge.UpdateOperation) -> None:
        with _engine_errors():
            self._shard.update(operation)

    def _request(self, plan: Plan) -> qdrant_edge.QueryRequest:
        edge, chosen = self._edge, self._filter(plan.conditions, plan.ids)
        if len(plan.best_of) == 1:
            one = plan.best_of[0]
            return edge.QueryRequest(
                limit=plan.limit,
                query=edge.Query.Nearest(one.query, using=one.using),
                prefetches=self._inner(one, chosen),
                params=self._params(one),
                filter=chosen,
                with_payload=True,
            )
        names = [f"$score[{number}]" for number in range(len(plan.best_of))]
        formula = edge.Formula(
            edge.Expression.Max([edge.Expression.Variable(name) for name in names]),
            defaults=dict.fromkeys(names, ABSENT),
        )
        prefetches = [self._prefetch(one, chosen) for one in plan.best_of]
        return edge.QueryRequest(limit=plan.limit, query=formula, prefetches=prefetches, with_payload=True)

    def _prefetch(self, one: Nearest, chosen: qdrant_edge.Filter | None) -> qdrant_edge.Prefetch:
        return self._edge.Prefetch(
            limit=one.limit,
            query=self._edge.Query.Nearest(one.query, using=one.using),
            prefetches=self._inner(one, chosen),
            params=self._params(one),
            filter=chosen,
        )

    def _inner(self, one: Nearest, chosen: qdrant_edge.Filter | None) -> list[qdrant_edge.Prefetch]:
        return [] if one.among is None else [self._prefetch(one.among, chosen)]

    def _params(self, one: Nearest) -> qdrant_edge.SearchParams:
        edge = self._edge
        codes = edge.QuantizationSearchParams(ignore=one.exact, rescore=True, oversampling=OVERSAMPLING)
        return edge.SearchParams(exact=one.exact, hnsw_ef=max(HNSW_EF, one.limit), quantization=codes)

    def _filter(self, conditions: Iterable[Condition], ids: Sequence[str] | None) -> qdrant_edge.Filter | None:
        must = [self._condition(one) for one in conditions if not isinstance(one, NoneOf)]
        if ids is not None:
            must.append(self._edge.HasIdCondition(set(ids)))
        must_not = [self._condition(each) for one in conditions if isinstance(one, NoneOf) for each in one.alternatives]
        return self._edge.Filter(must=must or None, must_not=must_not or None) if must or must_not else None

    def _condition(self, one: AnyOf | Between | OneOf) -> Any:
        edge = self._edge
        if isinstance(one, OneOf):
            return edge.Filter(should=[self._condition(each) for each in one.alternatives])
        if isinstance(one, Between):
            return edge.FieldCondition(one.key, range=edge.RangeFloat(**{n: float(v) for n, v in one.bounds.items()}))
        return edge.FieldCondition(one.key, match=edge.MatchAny(list(one.values)))


def _package() -> Any:
    try:
        import qdrant_edge
    except ImportError as error:
        raise missing_dependency("qdrant-edge-py", extra="library", purpose="an embedded library of videos") from error
    return qdrant_edge


@contextmanager
def _engine_errors() -> Iterator[None]:
    """The engine's errors as one of ours. It has no class for them: they are ``Exception`` itself, and its panics, as
    damaged files lead to, are no ``Exception`` at all."""
    try:
        yield
    except BaseException as error:
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        raise CorpusError(
            f"the engine of the library failed: {error}; if its files are damaged, make the library anew from "
            f"an export or from the videos"
        ) from error


def _config(edge: Any, schema: Schema) -> qdrant_edge.EdgeConfig:
    options = schema.options
    datatype = getattr(edge.VectorStorageDatatype, options.storage.capitalize())
    multivector = edge.EdgeVectorParams(
        size=schema.dim,
        distance=edge.Distance.Dot,
        multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
        datatype=datatype,
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=HNSW_EF_CONSTRUCT, full_scan_threshold=FULL_SCAN_ONLY),
        quantization_config=_quantization(edge, options.quantization),
    )
    pooled = edge.EdgeVectorParams(
        size=FixedEncoding(schema.dim).encoded_dim,
        distance=edge.Distance.Dot,
        datatype=edge.VectorStorageDatatype.Float16,
        hnsw_config=edge.HnswIndexConfig(
            m=HNSW_M, ef_construct=HNSW_EF_CONSTRUCT, full_scan_threshold=FIRST_STAGE_FULL_SCAN_KB
        ),
        quantization_config=_first_stage_codes(edge, schema),
    )
    return edge.EdgeConfig(
        vectors={**dict.fromkeys(schema.multivectors, multivector), POOLED: pooled},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=INDEXING_THRESHOLD_KB),
    )


def _first_stage_codes(edge: Any, schema: Schema) -> Any:
    """The sign of each number, against eight bits of the question's; signs tell nothing of vectors off the center."""
    if not schema.center:
        return _quantization(edge, "int8")
    eight_bits = edge.BinaryQuantizationQueryEncoding.Scalar8Bits
    return edge.BinaryQuantizationConfig(memory=edge.Memory.Pinned, query_encoding=eight_bits)


def _quantization(edge: Any, name: str) -> Any:
    if name == "int8":
        return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, memory=edge.Memory.Pinned)
    if name == "turbo4":
        return edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4, memory=edge.Memory.Pinned)
    return None


def _point(record: Any) -> Point:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    return Point(
        str(record.id),
        record.payload or {},
        {name: np.asarray(values, dtype=np.float32) for name, values in vectors.items()},
    )
