"""What every policy returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PolicyResult:
    """The candidates a policy took."""

    indices: tuple[int, ...]
    """Positions in the list of candidates (not source frame indices), strictly increasing."""
    warnings: tuple[tuple[str, str], ...] = ()
    """(code, message) of everything that was noticed and did not stop the policy."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Parameters as they were used, ``"auto"`` resolved."""
