"""A saved selection, read back. Every field is checked, since the file may come from anyone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from clamr_select.errors import InputError
from clamr_select.selection import SCHEMA_VERSION, CandidateScores, Selection, SelectionWarning, VideoFacts

MAY_BE_MISSING = {"warnings", "timings_seconds", "candidates"}
WHOLE_FACTS = ("width", "height", "num_frames")
SHOWN_LETTERS = 60
LARGEST, LARGEST_INDEX = sys.float_info.max, 2**63 - 1

Fits = Callable[[Any], bool]


def read_selection(data: Mapping[str, Any]) -> Selection:
    """The selection that ``Selection.to_dict`` made this of.

    Raises:
        InputError: of another schema version, or a field is missing or not what it must be; it is named.
    """
    if data.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"selection has schema_version {data.get('schema_version')!r}; this version reads {SCHEMA_VERSION}"
        )
    missing = {each.name for each in fields(Selection)} - set(data) - MAY_BE_MISSING
    if missing:
        raise InputError(f"selection lacks the fields {', '.join(sorted(missing))}")
    candidates = data.get("candidates")
    return Selection(
        video=_one("video", data["video"], _is_text, "text"),
        question=_one("question", data["question"], _is_text, "text"),
        modality=_list("modality", data["modality"], _is_text, "texts"),
        text=tuple(_mapping("text", each, _is_text, "text") for each in _list("text", data["text"], _any, "objects")),
        method=_mapping("method", data["method"], _any, "values"),
        video_facts=_facts(data["video_facts"]),
        warnings=tuple(_warning(each) for each in _list("warnings", data.get("warnings", ()), _any, "objects")),
        timings_seconds=_mapping("timings_seconds", data.get("timings_seconds", {}), _is_number, "numbers"),
        candidates=None if candidates is None else _candidates(candidates),
        **_scored(data),
    )


def _candidates(value: Any) -> CandidateScores:
    given = _mapping("candidates", value, _any, "values")
    missing = {each.name for each in fields(CandidateScores)} - set(given)
    if missing:
        raise InputError(f"the selection's candidates lack the fields {', '.join(sorted(missing))}")
    scored = _scored(given, owner="candidates.")
    lengths = {len(scored[name]) for name in ("frame_indices", "timestamps_seconds", "scores")}
    if len(lengths | {len(each) for each in scored["scores_by_modality"].values()}) > 1:
        raise InputError("the selection's candidates must have as many times and scores as frame_indices")
    return CandidateScores(**scored)


def _scored(data: Mapping[str, Any], *, owner: str = "") -> dict[str, Any]:
    """What a selection and its candidates have alike."""
    by_modality = _mapping(f"{owner}scores_by_modality", data["scores_by_modality"], _any, "lists")
    return {
        "frame_indices": _list(f"{owner}frame_indices", data["frame_indices"], _is_index, "whole numbers >= 0"),
        "timestamps_seconds": _list(f"{owner}timestamps_seconds", data["timestamps_seconds"], _is_number, "numbers"),
        "scores": _list(f"{owner}scores", data["scores"], _is_number, "numbers"),
        "scores_by_modality": {
            name: _list(f"{owner}scores_by_modality[{name!r}]", values, _is_number_or_none, "numbers or null")
            for name, values in by_modality.items()
        },
    }


def _facts(value: Any) -> VideoFacts:
    given = _mapping("video_facts", value, _is_number, "numbers")
    names = {each.name for each in fields(VideoFacts)}
    if set(given) != names or not all(_is_index(given[name]) for name in WHOLE_FACTS):
        raise InputError(
            f"the selection's video_facts must have the numbers {', '.join(sorted(names))}, {', '.join(WHOLE_FACTS)} "
            f"whole, got {_shown(value)}"
        )
    return VideoFacts(**given)


def _warning(value: Any) -> SelectionWarning:
    given = _mapping("warnings", value, _is_text, "text")
    if set(given) != {"code", "message"}:
        raise InputError(f"the selection's warnings must have a code and a message each, got {_shown(value)}")
    return SelectionWarning(**given)


def _one(name: str, value: Any, fits: Fits, kind: str) -> Any:
    if not fits(value):
        raise InputError(f"the selection's {name} must be {kind}, got {_shown(value)}")
    return value


def _list(name: str, value: Any, fits: Fits, kind: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not all(fits(each) for each in value):
        raise InputError(f"the selection's {name} must be a list of {kind}, got {_shown(value)}")
    return tuple(value)


def _mapping(name: str, value: Any, fits: Fits, kind: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(_is_text(key) and fits(each) for key, each in value.items()):
        raise InputError(f"the selection's {name} must be an object of {kind}, got {_shown(value)}")
    return dict(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…"


def _any(value: Any) -> bool:
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    # a whole number of JSON may be past what a float holds, and NaN is in no range
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_INDEX
