"""One entry as one file: safetensors whose metadata holds a JSON record, the key, and a checksum of all the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import safetensors

from clamr_select.errors import DamagedEntryError, InputError
from clamr_select.store.key import Key

if TYPE_CHECKING:
    import torch

FORMAT = "clamr-select store 1"
MAX_HEADER_BYTES = 100_000_000
"""Of any safetensors file."""
MAX_RECORD_BYTES = MAX_HEADER_BYTES // 2
"""The header holds the record, in which quotes are escaped."""
_METADATA = "__metadata__"
_NO_CHECKSUM = b"0" * 64
_CHECKSUM_NAME = b'"sha256":"'  # inside another string of the header its quotes are escaped


@dataclass(frozen=True)
class Entry:
    """What is stored: a JSON object, and tensors by name."""

    record: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """On the CPU, of any dtype safetensors knows. Without any, torch is not imported."""


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say; believed only after :func:`check`."""

    metadata: dict[str, str]
    has_tensors: bool
    checksum_start: int
    """Position of the 64 digits in the file."""

    @property
    def label(self) -> str:
        return json.loads(self.metadata["label"])


def encode(record: str, *, tensors: Mapping[str, torch.Tensor], key: Key, label: str) -> list[bytes | memoryview]:
    """The file's bytes, in parts that follow each other.

    Args:
        record: of :func:`record_json`, at most ``MAX_RECORD_BYTES`` of it.
    """
    metadata = {
        "format": FORMAT,
        "kind": key.kind,
        "key": key.canonical,
        "label": json.dumps(label),  # a file name may hold what is no UTF-8; JSON escapes it
        "record": record,
        "sha256": _NO_CHECKSUM.decode(),
    }
    if tensors:
        from safetensors.torch import save

        blank = memoryview(save(_apart(tensors), metadata))
    else:
        blank = memoryview(safetensors.serialize({}, metadata))
    start = read_header(blank).checksum_start
    return [blank[:start], hashlib.sha256(blank).hexdigest().encode(), blank[start + len(_NO_CHECKSUM) :]]


def _apart(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Contiguous, and each in memory of its own: safetensors refuses two names for one."""
    apart: dict[str, torch.Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        whole = tensor.contiguous()
        memory = whole.untyped_storage().data_ptr()
        apart[name] = whole.clone() if memory in taken else whole
        taken.add(memory)
    return apart


def decode(data: bytes, *, key: Key) -> Entry:
    """The entry in a file's bytes, after every one of them was checked.

    Raises:
        DamagedEntryError: the file is cut, changed, or holds another entry than ``key``.
    """
    header = check(data)
    if (header.metadata["kind"], header.metadata["key"]) != (key.kind, key.canonical):
        raise DamagedEntryError("it holds another entry than its name says")
    record = json.loads(header.metadata["record"])
    if not header.has_tensors:
        return Entry(record)
    from safetensors.torch import load

    return Entry(record, load(data))


def check(data: bytes) -> Header:
    """The header of a whole and unchanged file.

    Raises:
        DamagedEntryError: it is cut or changed.
    """
    header = read_header(memoryview(data))
    start, end = header.checksum_start, header.checksum_start + len(_NO_CHECKSUM)
    view = memoryview(data)
    found = hashlib.sha256(view[:start])
    found.update(_NO_CHECKSUM)
    found.update(view[end:])
    if found.hexdigest().encode() != bytes(view[start:end]):
        raise DamagedEntryError("its checksum does not fit its bytes")
    return header


def read_header(data: memoryview) -> Header:
    """The header at the start of ``data``, which may end with it.

    Raises:
        DamagedEntryError: there is none of ours.
    """
    length = int.from_bytes(data[:8], "little")
    text = bytes(data[8 : 8 + length])
    if len(data) < 8 or len(text) < length:
        raise DamagedEntryError("its header is cut")
    try:
        header = json.loads(text)
        metadata = header[_METADATA]
        ours = metadata["format"] == FORMAT and all(isinstance(metadata[n], str) for n in ("kind", "key", "label"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedEntryError("its header is not one of this store") from error
    found = text.find(_CHECKSUM_NAME)
    if not ours or found < 0:
        raise DamagedEntryError("its header is not one of this store")
    return Header(metadata, has_tensors=len(header) > 1, checksum_start=8 + found + len(_CHECKSUM_NAME))


def record_json(record: Mapping[str, Any]) -> str:
    """A record as an entry holds it: ASCII.

    Raises:
        InputError: it is not JSON.
    """
    try:
        return json.dumps(dict(record), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"a record must be a JSON object (finite numbers, no objects of Python): {error}") from error
