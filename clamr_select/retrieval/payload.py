"""What lies beside a video's vectors, and back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.retrieval.engine import Point
from clamr_select.retrieval.filters import OWN_FIELDS, TRUTHS, truths
from clamr_select.retrieval.fixed_encoding import FixedEncoding
from clamr_select.retrieval.results import StoredVideo
from clamr_select.retrieval.schema import JOINT, POOLED, Schema
from clamr_select.retrieval.video_embeddings import VideoEmbeddings

REVISION = "revision"
"""Another one at every write: two looks at a video see the same one or know that they do not."""


def to_point(video: VideoEmbeddings, *, schema: Schema, first_stage: FixedEncoding) -> Point:
    """
    Raises:
        InputError: modalities or dim are not the corpus's, there are too many tokens, or metadata is not JSON.
    """
    vectors = {name: np.asarray(tokens, dtype=np.float32) for name, tokens in video.vectors.items() if len(tokens)}
    _check(video, vectors, schema)
    payload = {
        "video_id": video.video_id,
        "path": video.path,
        "duration_seconds": video.duration_seconds,
        **metadata_payload(video.metadata, what=f"video {video.video_id!r}"),
        "num_tokens": {name: len(tokens) for name, tokens in vectors.items()},
        "left_out": video.left_out,
        "index_key": None if video.index_key is None else dict(video.index_key),
        REVISION: uuid.uuid4().hex,
    }
    return Point(video.point_id, payload, with_derived(vectors, schema=schema, first_stage=first_stage))


def with_derived(
    vectors: Mapping[str, np.ndarray], *, schema: Schema, first_stage: FixedEncoding
) -> dict[str, np.ndarray]:
    """A video's tokens by modality, at least one, and the vectors that are made of all of them."""
    # one order for all videos, whatever the mapping's
    everything = np.concatenate([vectors[name] for name in schema.modalities if name in vectors])
    joint = {JOINT: everything} if schema.options.joint else {}
    return {**vectors, POOLED: first_stage.document(everything), **joint}


def stored_video(payload: Mapping[str, Any]) -> StoredVideo:
    return StoredVideo(
        video_id=payload["video_id"],
        path=payload.get("path"),
        duration_seconds=payload.get("duration_seconds"),
        metadata=payload.get("metadata") or {},
        num_tokens=payload.get("num_tokens") or {},
        left_out=payload.get("left_out") or {},
        index_key=payload.get("index_key"),
    )


def metadata_payload(metadata: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Metadata, and what filters need of it.

    Raises:
        InputError: it is not JSON, a name has a dot, which filters take apart, or is one that every video has.
    """
    wrong = [name for name in metadata if not isinstance(name, str) or not name or set(name) & set('.[]"\\')]
    if wrong:
        raise InputError(
            f"{what}: names of metadata are texts without dots, brackets, quotes and backslashes, got {wrong[0]!r}"
        )
    taken = [name for name in OWN_FIELDS if name in metadata]
    if taken:
        raise InputError(f"{what}: {taken[0]!r} is known of every video, and filters mean that; give another name")
    try:
        text = json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False)
        text.encode()  # half of a surrogate pair is no text to the engine
        checked = json.loads(text, parse_int=_engine_int)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: metadata must be JSON (finite numbers, no objects): {error}") from error
    return {"metadata": checked, TRUTHS: truths(checked)}


def _engine_int(digits: str) -> int:
    """Raises ValueError where the engine would keep a float instead."""
    value = int(digits)
    if not -(2**63) <= value < 2**64:
        raise ValueError(f"{digits} is beyond 64 bits; write it as a text")
    return value


def _check(video: VideoEmbeddings, vectors: Mapping[str, np.ndarray], schema: Schema) -> None:
    unknown = sorted(set(vectors) - set(schema.modalities))
    if unknown:
        raise InputError(
            f"video {video.video_id!r} has {', '.join(unknown)}; this library keeps {', '.join(schema.modalities)}"
        )
    for modality, tokens in vectors.items():
        if tokens.shape[1] != schema.dim:
            raise InputError(
                f"video {video.video_id!r}: {modality} has {tokens.shape[1]} numbers a token, the library {schema.dim}"
            )
        if len(tokens) > schema.options.max_tokens:
            raise InputError(
                f"video {video.video_id!r}: {modality} has {len(tokens)} tokens, the library keeps "
                f"{schema.options.max_tokens}; bound them with bounded_embeddings(…, max_tokens=…)"
            )
