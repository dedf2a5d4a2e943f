"""Parameters of policies: checked, with what was got and what is allowed."""

from __future__ import annotations

import math

import numpy as np

from clamr_select.errors import InputError, unknown_name


def number(name: str, value: object, *, low: float = -math.inf, high: float = math.inf) -> float:
    """``value`` as a finite number in ``low``..``high``, ends included.

    Raises:
        InputError: it is not.
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:  # type: ignore[arg-type, operator]
        raise InputError(f"{name} must be a finite number {_range(low, high)}, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def whole_number(name: str, value: object, *, low: int, high: int | None = None) -> int:
    """``value`` as a whole number in ``low``..``high``, ends included.

    Raises:
        InputError: it is not.
    """
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):  # type: ignore[operator]
        raise InputError(
            f"{name} must be a whole number {_range(low, math.inf if high is None else high)}, got {value!r}"
        )
    return int(value)  # type: ignore[call-overload]


def choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """
    Raises:
        UnknownNameError: ``value`` is not one of ``allowed``.
    """
    if value not in allowed:
        raise unknown_name(name, value, allowed)


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f">= {low:g}" if math.isfinite(low) else ""
    return f"from {low:g} to {high:g}"
