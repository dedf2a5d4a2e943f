"""What is scored for a question: its stem, with options or without, and the event it names in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clamr_select.indexing.choice import ChoiceOptions
from clamr_select.policies.operators import in_order, right_after, truth
from clamr_select.policies.questions import QuestionPlan, plan_question


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
