"""What goes through the pipes: a JSON header, and the bytes of an array where it announces them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np

MAX_HEADER_BYTES = 1 << 26
DTYPES = ("uint8", "float32", "float64")
_LENGTH_BYTES = 4


def pack(header: dict[str, Any], array: np.ndarray | None = None) -> list[bytes | memoryview]:
    """A message as parts that follow each other."""
    if array is not None:
        array = np.ascontiguousarray(array)
        header = {**header, "dtype": array.dtype.name, "shape": list(array.shape)}
    text = json.dumps(header).encode()
    payload = [] if array is None or not array.size else [array.data.cast("B")]
    return [len(text).to_bytes(_LENGTH_BYTES, "little"), text, *payload]


def unpack(read: Callable[[int], bytes], *, max_array_bytes: int) -> tuple[dict[str, Any], np.ndarray | None]:
    """The next message.

    Args:
        read: gives exactly so many bytes.

    Raises:
        ValueError: it is not a message, or its array is larger than it may be.
    """
    length = int.from_bytes(read(_LENGTH_BYTES), "little")
    if length > MAX_HEADER_BYTES:
        raise ValueError("a header that long is none")
    header = json.loads(read(length))
    if not isinstance(header, dict):
        raise ValueError("a header is an object")
    if "dtype" not in header:
        return header, None
    dtype, shape = header.pop("dtype"), header.pop("shape")
    if dtype not in DTYPES or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError(f"an array of {dtype} {shape}")
    num_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    if num_bytes > max_array_bytes:
        raise ValueError(f"an array of {num_bytes} bytes")
    data = bytearray(read(num_bytes))
    return header, np.frombuffer(data, dtype=dtype).reshape(shape)
