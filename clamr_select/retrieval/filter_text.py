"""Filters as people type them: ``year>=2020``, ``channel=MIT``, ``language!=en``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from clamr_select.errors import InputError

TEXT_FIELDS = ("title", "path", "video_id")
"""Always texts, also where they look like a number."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?")
"""With zeros in front it is a text alone, e.g. the number of an episode."""
_LARGEST = 2**63 - 1
COMPARISONS = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt"}


def parsed_filters(given: Sequence[str]) -> dict[str, Any]:
    """As :mod:`clamr_select.retrieval.filters` takes them; values of one field add up.

    Raises:
        InputError: not of that form.
    """
    filters: dict[str, Any] = {}
    for text in given:
        sign = min(("!=", *COMPARISONS, "="), key=lambda s: (text.find(s) < 0, text.find(s), -len(s)))
        name, found, value = (part.strip() for part in text.partition(sign))
        if not (name and found and value):
            raise InputError(f"a filter is FIELD=VALUE, with =, !=, >=, >, <= or <, got {text!r}")
        wanted = filters.setdefault(name, {})
        if sign in COMPARISONS:
            wanted[COMPARISONS[sign]] = _number(value, text)
        elif sign == "!=":
            wanted.setdefault("not", []).extend(_values(name, value))
        else:
            wanted.setdefault("is", []).extend(_values(name, value))
    return {name: _one_filter(name, wanted) for name, wanted in filters.items()}


def _one_filter(name: str, wanted: dict[str, Any]) -> Any:
    if "is" not in wanted:
        return wanted
    if len(wanted) > 1:
        raise InputError(f"filter {name}: = goes with no other comparison of the same field")
    return wanted["is"]


def _values(name: str, text: str) -> list[str | float | bool]:
    """The text, and the number or truth value that it is written as: nobody sees which of them a library holds."""
    if name in TEXT_FIELDS:
        return [text]
    if text.lower() in ("true", "false"):
        return [text, text.lower() == "true"]
    number = _NUMBER.fullmatch(text)
    # longer ones are no number of a library: float() makes them infinite, and int() refuses them
    if number is None or abs(float(text)) > _LARGEST:
        return [text]
    if number[1]:
        return [text, float(text)]
    return [text, int(text)] if abs(int(text)) <= _LARGEST else [text]


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"filter {whole!r}: {text!r} is no number to compare with") from error
