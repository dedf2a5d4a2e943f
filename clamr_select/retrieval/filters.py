"""Which videos a search may find: a mapping of fields to what they must be.

    {"channel": "MIT", "year": {"gte": 2020, "lt": 2024}, "tags": ["physics", "maths"], "language": {"not": "en"}}

Every field must fit; of a list, one value; a field that holds a list fits where one of its values does. Numbers fit by
their value, 12 and 12.0 alike; a text is no number, and a truth value neither.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clamr_select.errors import InputError

Scalar = str | int
EXACT_FLOATS = 2**53
"""Smaller whole numbers are floats without rounding."""
_PART = re.compile(r'(?:(?P<plain>[A-Za-z0-9_-]+)|(?P<other>[^\[\]"\\]+))(?P<items>(?:\[\d*\])*)')
"""Of a field's path; the engine wants quotes around names that are not plain. ``[]`` are the items of a list."""
BOUNDS = ("gte", "gt", "lte", "lt")
OWN_FIELDS = ("video_id", "path", "duration_seconds")
"""Of every video; any other field is one of its metadata."""
TRUTHS = "truths"
"""Payload with the fields that are true or false, as words: the embedded engine takes a truth value for a number."""


@dataclass(frozen=True)
class AnyOf:
    key: str
    values: tuple[Scalar, ...]
    """Of one kind."""


@dataclass(frozen=True)
class Between:
    key: str
    bounds: Mapping[str, float]
    """``gte``, ``gt``, ``lte``, ``lt`` to a number."""


@dataclass(frozen=True)
class OneOf:
    alternatives: tuple[AnyOf | Between, ...]


@dataclass(frozen=True)
class NoneOf:
    alternatives: tuple[AnyOf | Between, ...]


Condition = AnyOf | Between | OneOf | NoneOf


def parse_filters(filters: Mapping[str, Any] | None) -> tuple[Condition, ...]:
    """
    Raises:
        InputError: a value that no field can be compared with.
    """
    return tuple(condition for name, wanted in (filters or {}).items() for condition in _conditions(name, wanted))


def field_key(name: str, *, of_truth: bool = False) -> str:
    """Where a field lies in a point's payload.

    Raises:
        InputError: it is no name that metadata can have.
    """
    if name in OWN_FIELDS and not of_truth:
        return name
    parts = [_PART.fullmatch(part) for part in str(name).split(".")]
    if not all(parts):
        raise InputError(f"filter {name!r}: fields have no quotes or backslashes, and dots between nested names")
    path = ((part["plain"] or f'"{part["other"]}"') + part["items"] for part in parts if part)
    return ".".join((TRUTHS if of_truth else "metadata", *path))


def truths(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are true or false, as words, also of mappings and lists within; items keep their places."""
    return _truths(metadata) or {}


def _truths(value: Any) -> Any:
    """None where nothing in it is true or false."""
    if isinstance(value, bool):
        return _word(value)
    if isinstance(value, Mapping):
        return {name: found for name, each in value.items() if (found := _truths(each)) is not None} or None
    if isinstance(value, list):
        items = [_truths(each) for each in value]
        return None if all(item is None for item in items) else items
    return None


def _conditions(name: str, wanted: Any) -> list[Condition]:
    if not isinstance(wanted, Mapping):
        alternatives = _alternatives(name, wanted)
        return [alternatives[0] if len(alternatives) == 1 else OneOf(alternatives)]
    bounds = {bound: wanted[bound] for bound in BOUNDS if bound in wanted}
    unknown = sorted(set(wanted) - {*BOUNDS, "not"})
    if unknown or not wanted:
        raise InputError(f"filter {name!r}: allowed are {', '.join(BOUNDS)} and not, got {', '.join(unknown) or '{}'}")
    if not all(_is_number(value) for value in bounds.values()):
        raise InputError(f"filter {name!r}: bounds are finite numbers, got {bounds}")
    found: list[Condition] = [Between(field_key(name), bounds)] if bounds else []
    return found + ([NoneOf(_alternatives(name, wanted["not"]))] if "not" in wanted else [])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _alternatives(name: str, wanted: Any) -> tuple[AnyOf | Between, ...]:
    """What fits, by kind."""
    values, key = _values(name, wanted), field_key(name)
    truths = tuple(_word(value) for value in values if isinstance(value, bool))
    texts = tuple(value for value in values if isinstance(value, str))
    numbers = [value for value in values if not isinstance(value, str | bool)]
    large = tuple(n for n in numbers if isinstance(n, int) and abs(n) >= EXACT_FLOATS)
    equal = (Between(key, {"gte": n, "lte": n}) for n in numbers if isinstance(n, float) or abs(n) < EXACT_FLOATS)
    return (
        *((AnyOf(field_key(name, of_truth=True), truths),) if truths else ()),
        *(AnyOf(key, group) for group in (texts, large) if group),
        *equal,
    )


def _word(value: Any) -> str:
    return "true" if value else "false"


def _values(name: str, wanted: Any) -> tuple[str | float | bool, ...]:
    values = tuple(wanted) if isinstance(wanted, Sequence) and not isinstance(wanted, str) else (wanted,)
    if not values or not all(isinstance(value, str | bool | int) or _is_number(value) for value in values):
        raise InputError(
            f"filter {name!r} must be a text, a finite number, true or false, or a list of them, got {wanted!r}"
        )
    if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values):
        raise InputError(f"filter {name!r}: whole numbers are of 64 bits, got {wanted!r}")
    return values
