"""One point as bytes: safetensors with its payload as JSON. What exports hold, and what travels between processes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors import SafetensorError

from clamr_select.errors import DamagedCorpusError
from clamr_select.retrieval.engine import Point

FORMAT = "clamr-select video 1"


def to_bytes(point: Point) -> bytes:
    """Vectors keep their dtype."""
    from safetensors.numpy import save

    header = {"format": FORMAT, "id": point.id, "payload": json.dumps(point.payload, allow_nan=False)}
    return save({name: np.ascontiguousarray(values) for name, values in point.vectors.items()}, header)


def from_bytes(data: bytes, *, what: str) -> Point:
    """
    Args:
        what: for messages, e.g. the file.

    Raises:
        DamagedCorpusError: these are not the bytes of a point.
    """
    from safetensors.numpy import load

    try:
        header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        if header["format"] != FORMAT:
            raise DamagedCorpusError(f"{what} is of another format: {header['format']!r}, not {FORMAT!r}")
        vectors = {name: values.astype(np.float32) for name, values in load(data).items()}
        return Point(header["id"], json.loads(header["payload"]), vectors)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, DamagedCorpusError):
            raise
        raise DamagedCorpusError(f"{what} is cut or changed, or never was a video of a library: {error}") from error
