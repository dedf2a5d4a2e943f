"""Filters as people type them: ``year>=2020``, ``channel=MIT``, ``language!=en``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from clamr_select.errors import InputError

TEXT_FIELDS = ("title", "path", "video_id")
"""Always texts, also where they look like a number."""
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]*")
"""With zeros in front it is a text, e.g. the number of an episode."""
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
            wanted.setdefault("not", []).append(_value(name, value))
        else:
            wanted.setdefault("is", []).append(_value(name, value))
    return {name: _one_filter(name, wanted) for name, wanted in filters.items()}


def _one_filter(name: str, wanted: dict[str, Any]) -> Any:
    if "is" not in wanted:
        return wanted
    if len(wanted) > 1:
        raise InputError(f"filter {name}: = goes with no other comparison of the same field")
    return wanted["is"]


def _value(name: str, text: str) -> str | int | bool:
    if name in TEXT_FIELDS:
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"filter {whole!r}: {text!r} is no number to compare with") from error
