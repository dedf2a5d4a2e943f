"""What is scored for a question: its stem, with options or without, and the event it names in time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.indexing.choice import ChoiceOptions, as_tuple
from clamr_select.policies.operators import in_order, right_after, truth
from clamr_select.policies.questions import QuestionPlan, plan_question
from clamr_select.scoring.maxsim import check_similarity

LISTS = frozenset({"modalities", "include", "options", "between_seconds"})
"""Options of ``IndexedVideo.select`` that may come as any iterable."""


@dataclass(frozen=True)
class Asked:
    """A question and the one or two texts that are scored for it."""

    question: str
    texts: tuple[str, ...]
    """What answers; and the event it comes after or before, where the question names one."""
    plan: QuestionPlan | None = None

    def relevance(self, scores: Sequence[np.ndarray], *, timestamps_seconds: np.ndarray) -> np.ndarray:
        """(num_candidates,) what policies choose by, of the scores of each text."""
        if self.plan is None or self.plan.order is None:
            return scores[0]
        wanted, event = truth(scores[0]), truth(scores[1])
        if self.plan.order == "right_after":
            return right_after(event, wanted, timestamps_seconds=timestamps_seconds)
        return in_order([wanted, event] if self.plan.order == "before" else [event, wanted])

    def method(self) -> dict[str, Any]:
        """For ``Selection.method``."""
        found: dict[str, Any] = {} if self.texts == (self.question,) else {"scored_texts": list(self.texts)}
        if self.plan is not None:
            names = ("scope", "place", "order", "by")
            found["question_plan"] = {name: getattr(self.plan, name) for name in names}
        return found


def as_questions(question: str | Iterable[str]) -> list[str]:
    """One question or several, as a list.

    Raises:
        InputError: no text, or no list of texts, or an empty list.
    """
    questions = [question] if isinstance(question, str) else list(question) if isinstance(question, Iterable) else []
    if not questions or not all(isinstance(one, str) for one in questions):
        raise InputError(f"question must be text, or a list of one text or more, got {question!r}")
    return questions


def check_select_options(given: Mapping[str, Any], *, modalities: Sequence[str]) -> None:
    """What can be known to be wrong with options of ``IndexedVideo.select`` before a video is indexed.

    Args:
        modalities: the model's.

    Raises:
        InputError, UnknownNameError: as ``IndexedVideo.select``.
    """
    of_scoring = ("similarity", "modalities", "between_seconds")
    check_similarity(given.get("similarity", "token_max"))
    if given.get("modalities") is not None:
        check_modalities(given["modalities"], known=modalities)
    if given.get("between_seconds") is not None:
        check_span(given["between_seconds"])
    ChoiceOptions.of({name: value for name, value in given.items() if name not in of_scoring})


def with_tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of ``IndexedVideo.select``, those of ``LISTS`` as tuples: they are read more than once, and an iterator
    would be used up by the first reading. What is of another kind stays, for its check to refuse."""
    return {name: as_tuple(value) if name in LISTS else value for name, value in given.items()}


def check_modalities(modalities: Iterable[str], *, known: Sequence[str]) -> tuple[str, ...]:
    """The modalities as a tuple, read once.

    Raises:
        InputError: not a list of some of those that are known.
    """
    names = as_tuple(modalities)
    if not isinstance(names, tuple) or not names or any(name not in known for name in names):
        raise InputError(f"modalities must be a list of some of {', '.join(known)}, got {names!r}")
    return names


def check_span(between_seconds: Sequence[float]) -> tuple[float, float]:
    """Start and end of a span, in seconds.

    Raises:
        InputError: not two numbers; ``inf`` is one.
    """
    edges = list(between_seconds) if isinstance(between_seconds, Iterable) else []
    if len(edges) != 2 or not all(isinstance(edge, Real) and not math.isnan(edge) for edge in edges):
        raise InputError(f"between_seconds must be (start, end) in seconds, got {between_seconds!r}")
    return float(edges[0]), float(edges[1])


def as_asked(question: str, options: ChoiceOptions) -> Asked:
    """
    Raises:
        InputError: an empty question, or a language model's plan that cannot be read.
    """
    plan = None
    if options.question_rules != "off":
        ask = options.question_rules if callable(options.question_rules) else None
        plan = plan_question(question, ask=ask)
    text = question if plan is None else plan.text
    if options.query == "with_options":
        text = with_options(text, options.options)
    return Asked(question, (text,) if plan is None or plan.order is None else (text, plan.event), plan)


def with_options(text: str, options: Sequence[str]) -> str:
    """A question with the answers to choose from, as benchmarks of multiple choice put it."""
    listed = " ".join(f"{chr(ord('A') + place)}. {option}" for place, option in enumerate(options))
    return f"{text} {listed}"
