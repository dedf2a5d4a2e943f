"""What a corpus needs of a vector engine: a few verbs, the same for every deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from clamr_select.retrieval.filters import Condition

Deployment = Literal["embedded", "local", "server"]

ABSENT = -1e9
"""Score of a modality that a video lacks, or in which it is outside the best: it must lose, and 0 would not."""


@dataclass(frozen=True)
class Point:
    """One video."""

    id: str
    """A UUID."""
    payload: dict[str, Any]
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    """Name to (num_tokens, dim), or (dim,) for a single vector; float32."""


@dataclass(frozen=True)
class Nearest:
    """The points with the highest score in one named vector."""

    query: np.ndarray
    """(num_query_tokens, dim), or (dim,) for a single vector."""
    using: str
    limit: int
    exact: bool = True
    """Every vector, as it is kept; else by an index or by codes, where there are any."""
    among: Nearest | None = None
    """Only those that this finds first."""


@dataclass(frozen=True)
class Plan:
    """One search: the highest of what several vectors say, or one of them alone."""

    best_of: tuple[Nearest, ...]
    limit: int
    conditions: tuple[Condition, ...] = ()
    ids: tuple[str, ...] | None = None
    """Only these points."""


@dataclass(frozen=True)
class Found:
    """A point that a search found; highest score first."""

    id: str
    score: float
    payload: dict[str, Any]


class Engine(Protocol):
    """A collection of points. Safe to use from several threads."""

    deployment: Deployment

    def upsert(self, points: Sequence[Point]) -> None:
        """Put points in place of those with their ids. Each is replaced as a whole."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points; ids that are not there are none."""

    def set_payload(self, payload: Mapping[str, Any], *, id: str) -> None:
        """Replace the named top-level fields of one point."""

    def search(self, plans: Sequence[Plan]) -> list[list[Found]]:
        """Run several searches at once."""

    def retrieve(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
        """Those of the points that are there, in no order."""

    def scroll(
        self,
        *,
        conditions: Sequence[Condition] = (),
        after: str | None = None,
        limit: int = 256,
        with_vectors: bool = False,
    ) -> tuple[list[Point], str | None]:
        """Some points in a fixed order, and where to go on; None at the end."""

    def count(self, *, conditions: Sequence[Condition] = ()) -> int: ...

    def optimize(self) -> None:
        """Build what makes searches fast, where the engine does not do so by itself."""

    def flush(self) -> None:
        """What was written is on disk when this returns."""

    def close(self) -> None: ...
