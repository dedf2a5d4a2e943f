"""One line for each check; one that fails never hides the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from clamr_select.errors import ClamrSelectError

Status = Literal["ok", "absent", "warning", "failed"]
"""``absent`` is something optional that is not there; ``warning`` something that works less well than it could, or that
was assumed; ``failed`` needs repair."""


@dataclass(frozen=True)
class Check:
    """What was looked at, and what was found."""

    name: str
    status: Status
    message: str
    """What was found; where it failed, also what to do."""


def attempt(name: str, check: Callable[[], Check | list[Check]]) -> list[Check]:
    """Run a check. An error that this library raises on purpose is its failure; any other is a fault of the check, and
    propagates."""
    try:
        found = check()
    except ClamrSelectError as error:
        return [Check(name, "failed", " ".join(str(error).split()))]
    return found if isinstance(found, list) else [found]


def healthy(checks: Iterable[Check]) -> bool:
    """Whether nothing failed."""
    return all(check.status != "failed" for check in checks)
