"""What an entry is stored under: everything that decides its content, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clamr_select.errors import InputError

DAMAGED = "damaged"
"""The folder of entries that failed their check."""
DOWNLOADS = "downloads"
"""The folder of files that were fetched."""
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, eq=False)  # equality of Python takes 1 for True, and a list for no tuple
class Key:
    """Equal where kind and values are equal as JSON; a value that differs in type only (``1`` and ``True``) differs.

    Raises:
        InputError: ``kind`` is no short lower-case name, or a value is not JSON.
    """

    kind: str
    """What the entry holds, e.g. ``embeddings`` or ``transcript``; the folder it lies in."""
    values: Mapping[str, Any]
    """Name to value, JSON types: the digest of the video, settings, model and revision, version of the code, …"""

    def __post_init__(self) -> None:
        check_kind(self.kind)
        _ = self.canonical

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and (self.kind, self.canonical) == (other.kind, other.canonical)

    def __hash__(self) -> int:
        return hash((self.kind, self.canonical))

    @cached_property
    def canonical(self) -> str:
        """The values in the one way they are written."""
        _check_names(self.values)
        try:
            return json.dumps(dict(self.values), sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"values of a key must be JSON (finite numbers, no objects): {error}") from error

    @cached_property
    def digest(self) -> str:
        """SHA-256 over kind and values, 64 hexadecimal digits; the name of the entry's file."""
        # a kind holds no line break, and JSON escapes it: no two keys write the same text
        return hashlib.sha256(f"{self.kind}\n{self.canonical}".encode()).hexdigest()


def check_kind(kind: str) -> None:
    """Raises InputError unless ``kind`` can be a folder of the store."""
    if not _KIND.fullmatch(kind) or kind in (DAMAGED, DOWNLOADS):
        raise InputError(f"kind must be a lower-case name of at most 32 letters, digits and _, got {kind!r}")


def _check_names(value: Any) -> None:
    """JSON turns the name 1 into "1", so that two keys would become one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise InputError(f"names in a key must be strings, got {name!r}")
            _check_names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_names(inner)
