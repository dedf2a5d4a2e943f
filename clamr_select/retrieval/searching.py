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
"""At a video that is replaced while it is read."""


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
    """The best videos, each as one writing of it says, also while others write.

    Raises:
        CorpusChangedError: a video was replaced within every look at it.
    """
    plan = _plan(asked, first_stage)
    for _ in range(MAX_LOOKS):
        ids = tuple(one.id for one in engine.search([plan])[0])
        looks = _look_closely(engine, asked, ids, schema=schema)
        if len(looks) == len(ids):
            break  # else some were deleted, and others may stand in their places; the last time they are left out
    hits = [_hit(asked, looks[each]) for each in ids if each in looks]
    return sorted(hits, key=lambda hit: -hit.score)


def _look_closely(engine: Engine, asked: Asked, ids: tuple[str, ...], *, schema: Schema) -> dict[str, dict[str, Found]]:
    """Id to what each multivector says of the video, all of one writing; those that are gone are left out.

    Of all modalities, so that it is known which one answers. A video that was replaced within a look is looked at
    again, alone: writers who never rest hold up nobody.
    """
    names = (*schema.modalities, JOINT) if _is_whole(asked) else schema.modalities
    whole: dict[str, dict[str, Found]] = {}
    for _ in range(MAX_LOOKS):
        if not ids:
            return whole
        plans = [Plan((Nearest(asked.query, name, len(ids)),), len(ids), asked.conditions, ids) for name in names]
        looks: dict[str, dict[str, Found]] = {}
        for name, found in zip(names, engine.search(plans), strict=True):
            for one in found:
                looks.setdefault(one.id, {})[name] = one
        whole |= {each: look for each, look in looks.items() if _is_of_one_writing(look)}
        ids = tuple(each for each in looks if each not in whole)
    if not ids:
        return whole
    raise CorpusChangedError(f"{len(ids)} videos were replaced within each of {MAX_LOOKS} looks; search again")


def _is_of_one_writing(look: dict[str, Found]) -> bool:
    payload = next(iter(look.values())).payload
    revisions = {one.payload[REVISION] for one in look.values()}
    return len(revisions) == 1 and set(look) - {JOINT} == set(payload["num_tokens"])


def _is_whole(asked: Asked) -> bool:
    """Whether the multivector of all tokens scores."""
    return asked.similarity == "token_max" and len(asked.modalities) > 1


def _plan(asked: Asked, first_stage: FixedEncoding) -> Plan:
    among = None
    if asked.mode == "two_stage":
        limit = max(FIRST_STAGE_POINTS, FIRST_STAGE_FACTOR * asked.top_k)
        among = Nearest(first_stage.query(asked.query), POOLED, limit, exact=False)
    # codes choose, and in the second stage there are few enough to compare exactly
    exact = asked.mode != "codes"
    names = (JOINT,) if _is_whole(asked) else asked.modalities
    # as many of each modality as are wanted are enough: a video among the best is among the best of its best modality
    best_of = tuple(Nearest(asked.query, name, asked.top_k, exact=exact, among=among) for name in names)
    return Plan(best_of, asked.top_k, asked.conditions)


def _hit(asked: Asked, look: dict[str, Found]) -> Hit:
    scores = {name: one.score / len(asked.query) for name, one in look.items()}
    joint = scores.pop(JOINT, None)
    modality = max((name for name in asked.modalities if name in scores), key=lambda name: scores[name])
    payload = next(iter(look.values())).payload
    score = scores[modality] if joint is None else joint
    return Hit(stored_video(payload), score=score, modality=modality, scores_by_modality=scores)
