"""A question to plans for the engine, and what it finds to hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from clamr_select.errors import CorpusChangedError, InputError, unknown_name
from clamr_select.retrieval.engine import Engine, Found, Nearest, Plan
from clamr_select.retrieval.filters import Condition
from clamr_select.retrieval.fixed_encoding import FixedEncoding
from clamr_select.retrieval.payload import REVISION, stored_video
from clamr_select.retrieval.results import Hit, Mode
from clamr_select.retrieval.schema import JOINT, POOLED, Schema
from clamr_select.retrieval.tuning import EXACT_MAX_VIDEOS, FIRST_STAGE_FACTOR, FIRST_STAGE_POINTS
from clamr_select.scoring.maxsim import Similarity, check_similarity

MAX_LOOKS = 8
"""At videos that are replaced while they are read."""


@dataclass(frozen=True)
class Asked:
    """A search, checked."""

    query: np.ndarray
    """(num_query_tokens, dim) float32."""
    modalities: tuple[str, ...]
    similarity: Similarity
    mode: Mode
    top_k: int
    conditions: tuple[Condition, ...]


def check_modalities(modalities: Sequence[str] | None, *, schema: Schema) -> tuple[str, ...]:
    """In the order of the schema.

    Raises:
        InputError: none, or one that the corpus does not keep.
    """
    if modalities is None:
        return schema.modalities
    unknown = sorted(set(modalities) - set(schema.modalities))
    if isinstance(modalities, str) or unknown or not modalities:
        raise InputError(f"modalities must be a list of some of {', '.join(schema.modalities)}, got {modalities!r}")
    return tuple(name for name in schema.modalities if name in modalities)


def choose_similarity(asked: Similarity | None, *, modalities: tuple[str, ...], schema: Schema) -> Similarity:
    """``token_max`` wherever the engine can tell it exactly: of all modalities, or of one.

    Raises:
        UnknownNameError: there is no such similarity.
        InputError: ``token_max`` was asked for, and the engine has not what it takes.
    """
    possible = len(modalities) == 1 or (schema.options.joint and modalities == schema.modalities)
    if asked is None:
        return "token_max" if possible else "modality_max"
    check_similarity(asked)
    if asked == "token_max" and not possible:
        raise InputError(
            "token_max over several modalities needs their tokens in one multivector, which a library keeps for all "
            "modalities together, if it was made with joint=True; take all, one, or similarity='modality_max'"
        )
    return asked


def choose_mode(asked: str, *, num_videos: int, schema: Schema) -> Mode:
    """``auto`` is exact up to 20,000 videos, and in two stages beyond.

    Raises:
        UnknownNameError: there is no such mode.
        InputError: ``codes`` where there are none.
    """
    if asked == "auto":
        return "exact" if num_videos <= EXACT_MAX_VIDEOS else "two_stage"
    for mode in get_args(Mode):
        if mode == asked:
            if mode == "codes" and schema.options.quantization == "none":
                raise InputError("mode='codes' needs a library made with quantization='int8' or 'turbo4'")
            return mode
    raise unknown_name("mode", asked, ("auto", *get_args(Mode)))


def run_search(engine: Engine, asked: Asked, *, schema: Schema, first_stage: FixedEncoding) -> list[Hit]:
    """
    Raises:
        CorpusChangedError: the videos that were found changed at every look.
    """
    plan = _plan(asked, first_stage)
    for _ in range(MAX_LOOKS):
        found = engine.search([plan])[0]
        if not found:
            return []
        ids = tuple(one.id for one in found)
        # of all modalities, so that it is known which one answers
        by_modality = engine.search(
            [Plan((Nearest(asked.query, name, len(ids)),), len(ids), ids=ids) for name in schema.modalities]
        )
        if _same_revisions(found, by_modality):
            return _hits(asked, found, dict(zip(schema.modalities, by_modality, strict=True)))
    raise CorpusChangedError(
        f"the videos that were found were replaced {MAX_LOOKS} times while they were read; search again"
    )


def _plan(asked: Asked, first_stage: FixedEncoding) -> Plan:
    among = None
    if asked.mode == "two_stage":
        limit = max(FIRST_STAGE_POINTS, FIRST_STAGE_FACTOR * asked.top_k)
        among = Nearest(first_stage.query(asked.query), POOLED, limit, exact=False)
    # codes choose, and in the second stage there are few enough to compare exactly
    exact = asked.mode != "codes"
    whole = asked.similarity == "token_max" and len(asked.modalities) > 1
    names = (JOINT,) if whole else asked.modalities
    # as many of each modality as are wanted are enough: a video among the best is among the best of its best modality
    best_of = tuple(Nearest(asked.query, name, asked.top_k, exact=exact, among=among) for name in names)
    return Plan(best_of, asked.top_k, asked.conditions)


def _same_revisions(found: Sequence[Found], by_modality: Sequence[Sequence[Found]]) -> bool:
    """Whether every look saw the same writing of each video, and each was seen again."""
    seen = {one.id: one.payload[REVISION] for one in found}
    again = {one.id for some in by_modality for one in some}
    return again == set(seen) and all(one.payload[REVISION] == seen[one.id] for some in by_modality for one in some)


def _hits(asked: Asked, found: Sequence[Found], by_modality: dict[str, list[Found]]) -> list[Hit]:
    num_tokens = len(asked.query)
    scores = {name: {one.id: one.score / num_tokens for one in some} for name, some in by_modality.items()}
    hits = []
    for one in found:
        of_video = {name: of_modality[one.id] for name, of_modality in scores.items() if one.id in of_modality}
        considered = [name for name in asked.modalities if name in of_video]
        hits.append(
            Hit(
                stored_video(one.payload),
                score=one.score / num_tokens,
                modality=max(considered, key=lambda name: of_video[name]),
                scores_by_modality=of_video,
            )
        )
    return hits
