"""A video's embeddings as bytes, from one process to another: safetensors, and JSON for what is known of it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from clamr_select.retrieval.video_embeddings import VideoEmbeddings

_JSON = "video"


def pack_video(video: VideoEmbeddings) -> bytes:
    """Bytes that :func:`unpack_video` reads."""
    from safetensors.numpy import save

    known = {f.name: getattr(video, f.name) for f in fields(video) if f.name != "vectors"}
    plain = {name: dict(value) if hasattr(value, "items") else value for name, value in known.items()}
    return save(dict(video.vectors), {_JSON: json.dumps(plain)})


def unpack_video(data: bytes) -> VideoEmbeddings:
    """Raises InputError where the vectors are none of a video's."""
    from safetensors.numpy import load

    length = int.from_bytes(data[:8], "little")
    known: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_JSON])
    return VideoEmbeddings(vectors=load(data), **known)
