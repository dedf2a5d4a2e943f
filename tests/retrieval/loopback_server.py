"""Qdrant's REST calls on the loopback interface, answered by the embedded engine.

No package registry has the server's binary. What a client sends is parsed by the client's own models of the protocol,
so a call that is not of the protocol fails; what answers is the same engine that the server is built on.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from qdrant_client.http import models

HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000}
OPTIMIZERS = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0}


class Collection:
    """One collection: how it was asked for, and its engine."""

    def __init__(self, folder: Path, body: dict[str, Any]) -> None:
        asked = models.CreateCollection(**body)
        self.vectors, self.metadata = body["vectors"], body.get("metadata")
        folder.mkdir(parents=True)
        vectors = {name: _vector(params) for name, params in asked.vectors.items()}
        self.shard = edge.EdgeShard.create(str(folder), edge.EdgeConfig(vectors=vectors))

    def info(self) -> dict[str, Any]:
        config = {
            "params": {"vectors": self.vectors, "shard_number": 1, "replication_factor": 1},
            "hnsw_config": HNSW,
            "optimizer_config": {**OPTIMIZERS, "flush_interval_sec": 5},
            "metadata": self.metadata,
        }
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": self.shard.count(edge.CountRequest()),
            "segments_count": 1,
            "config": config,
            "payload_schema": {},
        }


class LoopbackServer:
    """Use as a context manager; ``calls`` are (method, path) of what was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collections: dict[str, Collection] = {}
        self.calls: list[tuple[str, str]] = []
        self.largest_body = 0
        self.retry_after: str | None = None
        """Where it is set, the server has too much to do for any call."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer("GET")

            def do_PUT(self) -> None:
                self._answer("PUT")

            def do_POST(self) -> None:
                self._answer("POST")

            def do_PATCH(self) -> None:
                self._answer("PATCH")

            def _answer(self, method: str) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                path = self.path.partition("?")[0]
                outer.calls.append((method, path))
                outer.largest_body = max(outer.largest_body, length)
                try:
                    status, answer = 200, {"result": outer.answer(method, path, body), "status": "ok", "time": 0.0}
                except KeyError as error:
                    status, answer = 404, {"status": {"error": f"Not found: {error}"}, "time": 0.0}
                if outer.retry_after is not None:
                    status = 429
                data = json.dumps(answer).encode()
                self.send_response(status)
                if outer.retry_after is not None:
                    self.send_header("Retry-After", outer.retry_after)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> LoopbackServer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for collection in self.collections.values():
            collection.shard.close()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        name, rest = re.fullmatch(r"/collections/([^/]+)(/.*)?", path).groups()
        match method, rest:
            case "GET", "/exists":
                return {"exists": name in self.collections}
            case "PUT", None:
                self.collections[name] = Collection(self.folder / name, body)
                return True
        collection = self.collections[name]
        match method, rest:
            case "GET", None:
                return collection.info()
            case "PATCH", None:
                collection.metadata = {**collection.metadata, **body["metadata"]}
                return True
        return _points_call(collection.shard, method, rest, body)


def _points_call(shard: edge.EdgeShard, method: str, rest: str, body: dict[str, Any]) -> Any:
    done = {"operation_id": 0, "status": "completed"}
    match method, rest:
        case "PUT", "/index":
            asked = models.CreateFieldIndex(**body)
            kind = getattr(edge.PayloadSchemaType, str(asked.field_schema.value).capitalize())
            shard.update(edge.UpdateOperation.create_field_index(asked.field_name, kind))
            return done
        case "PUT", "/points":
            points = [edge.Point(id=p.id, vector=p.vector, payload=p.payload) for p in models.PointsList(**body).points]
            shard.update(edge.UpdateOperation.upsert_points(points))
            return done
        case "POST", "/points/delete":
            shard.update(edge.UpdateOperation.delete_points(models.PointIdsList(**body).points))
            return done
        case "POST", "/points/payload":
            asked = models.SetPayload(**body)
            shard.update(edge.UpdateOperation.set_payload(asked.points, asked.payload))
            return done
        case "POST", "/points":
            asked = models.PointRequest(**body)
            return [_record(r) for r in shard.retrieve(asked.ids, True, bool(asked.with_vector))]
        case "POST", "/points/scroll":
            return _scroll(shard, models.ScrollRequest(**body))
        case "POST", "/points/count":
            chosen = _filter(models.CountRequest(**body).filter)
            return {"count": shard.count(edge.CountRequest(exact=True, filter=chosen))}
        case "POST", "/points/query/batch":
            asked = models.QueryRequestBatch(**body)
            answers = shard.query_batch(edge.QueryBatchRequest([_query(one) for one in asked.searches]))
            return [{"points": [_scored(p) for p in points]} for points in answers]
    raise KeyError(f"{method} {rest}")


def _scroll(shard: edge.EdgeShard, asked: models.ScrollRequest) -> dict[str, Any]:
    records, following = shard.scroll(
        edge.ScrollRequest(
            offset=asked.offset,
            limit=asked.limit,
            filter=_filter(asked.filter),
            with_payload=True,
            with_vector=bool(asked.with_vector),
        )
    )
    return {"points": [_record(r) for r in records], "next_page_offset": None if following is None else str(following)}


def _vector(params: models.VectorParams) -> edge.EdgeVectorParams:
    multi = params.multivector_config and edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    hnsw = params.hnsw_config
    return edge.EdgeVectorParams(
        size=params.size,
        distance={"Dot": edge.Distance.Dot}[params.distance.value],
        multivector_config=multi,
        datatype=getattr(edge.VectorStorageDatatype, params.datatype.value.capitalize()),
        hnsw_config=edge.HnswIndexConfig(m=hnsw.m, ef_construct=hnsw.ef_construct or 100, full_scan_threshold=10000),
        quantization_config=_quantization(params.quantization_config),
    )


def _quantization(asked: Any) -> Any:
    if isinstance(asked, models.BinaryQuantization):
        return edge.BinaryQuantizationConfig(query_encoding=edge.BinaryQuantizationQueryEncoding.Scalar8Bits)
    return asked and edge.ScalarQuantizationConfig(edge.ScalarType.Int8)


def _query(asked: models.QueryRequest) -> edge.QueryRequest:
    return edge.QueryRequest(
        limit=asked.limit,
        query=_scoring(asked.query, asked.using),
        prefetches=_prefetches(asked.prefetch),
        filter=_filter(asked.filter),
        params=_params(asked.params),
        with_payload=bool(asked.with_payload),
    )


def _prefetches(asked: Any) -> list[edge.Prefetch]:
    return [
        edge.Prefetch(
            limit=one.limit,
            query=_scoring(one.query, one.using),
            prefetches=_prefetches(one.prefetch),
            filter=_filter(one.filter),
            params=_params(one.params),
        )
        for one in (asked if isinstance(asked, list) else [asked] if asked else [])
    ]


def _scoring(asked: Any, using: str | None) -> Any:
    if isinstance(asked, models.FormulaQuery):
        names = [edge.Expression.Variable(name) for name in asked.formula.max]
        return edge.Formula(edge.Expression.Max(names), defaults=dict(asked.defaults))
    return edge.Query.Nearest(asked.nearest if hasattr(asked, "nearest") else asked, using=using)


def _params(asked: models.SearchParams | None) -> edge.SearchParams | None:
    return asked and edge.SearchParams(exact=bool(asked.exact), hnsw_ef=asked.hnsw_ef)


def _filter(asked: models.Filter | None) -> edge.Filter | None:
    if asked is None:
        return None
    parts = (asked.must, asked.should, asked.must_not)
    must, should, must_not = ([_condition(one) for one in (part or [])] or None for part in parts)
    return edge.Filter(must=must, should=should, must_not=must_not)


def _condition(asked: Any) -> Any:
    if isinstance(asked, models.Filter):
        return _filter(asked)
    if isinstance(asked, models.HasIdCondition):
        return edge.HasIdCondition(set(asked.has_id))
    if asked.range is not None:
        return edge.FieldCondition(asked.key, range=edge.RangeFloat(**asked.range.model_dump(exclude_none=True)))
    return edge.FieldCondition(asked.key, match=edge.MatchAny(list(asked.match.any)))


def _record(record: Any) -> dict[str, Any]:
    return {"id": str(record.id), "payload": record.payload, "vector": record.vector or None}


def _scored(point: Any) -> dict[str, Any]:
    return {"id": str(point.id), "version": 0, "score": point.score, "payload": point.payload}
