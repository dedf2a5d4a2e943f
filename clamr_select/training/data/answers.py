"""Which videos answer the same question, over all rows of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

QuestionName = bytes
"""A digest: questions themselves need not stay in memory."""


def question_names(queries: Iterable[str], *, query_id: str = "") -> list[QuestionName]:
    """What each question of a row is called: by its words, in lower case with single spaces, and by its id."""
    names = ["words " + " ".join(query.lower().split()) for query in queries]
    if query_id:
        names.append("id " + query_id)
    return [hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest() for name in names]


def shared_answers(
    names_by_row: Iterable[Sequence[QuestionName]], *, video_ids: Sequence[str]
) -> dict[QuestionName, tuple[str, ...]]:
    """The videos of each question that several answer, sorted.

    Args:
        names_by_row: of :func:`question_names`.
        video_ids: of each row.
    """
    first: dict[QuestionName, str] = {}
    several: dict[QuestionName, set[str]] = {}  # few questions: a set for each of all would fill the memory
    for names, video_id in zip(names_by_row, video_ids, strict=True):
        for name in names:
            if first.setdefault(name, video_id) != video_id:
                several.setdefault(name, {first[name]}).add(video_id)
    return {name: tuple(sorted(found)) for name, found in several.items()}
