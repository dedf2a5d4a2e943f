"""Bad rows: named, counted, and never dropped without a trace."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from clamr_select.errors import BadRowError, InputError, unknown_name

OnBadRow = Literal["error", "skip"]
MAX_NAMED = 5


@dataclass(frozen=True)
class BadRow:
    name: str
    reason: str

    @classmethod
    def of(cls, error: BadRowError) -> BadRow:
        return cls(error.name, error.reason)


def check_on_bad_row(on_bad_row: str) -> None:
    if on_bad_row not in get_args(OnBadRow):
        raise unknown_name("on_bad_row", on_bad_row, get_args(OnBadRow))


def summary(bad_rows: Sequence[BadRow], *, num_rows: int) -> str:
    """How many, and the first few by name."""
    if not bad_rows:
        return f"{num_rows} rows, none bad"
    named = "; ".join(f"{bad.name}: {bad.reason}" for bad in bad_rows[:MAX_NAMED])
    more = f"; and {len(bad_rows) - MAX_NAMED} more" if len(bad_rows) > MAX_NAMED else ""
    return f"{len(bad_rows)} of {num_rows} rows are bad: {named}{more}"


def raise_if_bad(bad_rows: Sequence[BadRow], *, num_rows: int, on_bad_row: OnBadRow) -> None:
    """Raises:
    InputError: there are bad rows and nobody asked to skip them.
    """
    if bad_rows and on_bad_row == "error":
        raise InputError(f"{summary(bad_rows, num_rows=num_rows)}. Repair them, or skip them with on_bad_row='skip'")


_HALVES = "backslashreplace"
"""Of half a surrogate pair in a name, which UTF-8 cannot hold: as JSON spells it, so that it is read back the same."""


class BadRowLog:
    """A file of bad rows, one JSON object a line, that several processes may append to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, bad: BadRow) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", errors=_HALVES) as file:
            # one short write: whole, whoever else appends
            file.write(json.dumps(asdict(bad), ensure_ascii=False) + "\n")

    def read(self) -> list[BadRow]:
        """Each bad row once, however often it came up."""
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8") as lines:  # splitlines would also break at U+2028 inside a name
            return list(Counter(BadRow(**json.loads(line)) for line in lines))


def write_bad_rows(bad_rows: Sequence[BadRow], *, path: Path) -> None:
    """All of them, one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(asdict(bad), ensure_ascii=False) + "\n" for bad in bad_rows]
    path.write_text("".join(lines), encoding="utf-8", errors=_HALVES)
