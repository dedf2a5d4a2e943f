from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from clamr_select.eval.needle.moments import ask_ordering
from clamr_select.eval.needle.ordering import After, NextScene, NthTime
from clamr_select.eval.needle.plans import random_plan
from clamr_select.eval.needle.predicates import (
    DocumentFacts,
    FrameFacts,
    HoldsWords,
    Predicate,
    ShapePattern,
    ShowsShapes,
    Verdict,
)
from clamr_select.eval.needle.scene import Scene, Shape

NO, UNSURE, YES = Verdict
LETTERS = {NO: ".", UNSURE: "?", YES: "Y"}
SCENES = {
    letter: Scene((Shape("circle", colour),)) for letter, colour in {"r": "red", "b": "blue", "g": "green"}.items()
}
RED = ShowsShapes((ShapePattern("circle", "red"),))
SAID = HoldsWords(frozenset("w"), "asr")


@dataclass(frozen=True)
class Given(Predicate):
    """The verdict that stands at each frame."""

    def frame(self, facts: FrameFacts) -> Verdict:
        return next(v for v, letter in LETTERS.items() if letter in facts.asr)


def document(scenes: str, said: str = "") -> DocumentFacts:
    words = [frozenset(w) if w != "." else frozenset() for w in said.ljust(len(scenes), ".")]
    return DocumentFacts(tuple(FrameFacts(SCENES[s], w) for s, w in zip(scenes, words, strict=True)))


def answers(predicate: Predicate, facts: DocumentFacts) -> str:
    return "".join(LETTERS[v] for v in predicate.frames(facts))


@pytest.mark.parametrize(
    ("number", "expected"), [(1, "YY......"), (2, "....Y..."), (3, "......YY"), (-1, "......YY"), (4, "........")]
)
def test_nth_time(number: int, expected: str) -> None:
    assert answers(NthTime(SAID, number), document("rrrrrrrr", "ww..w.ww")) == expected


def test_who_cannot_be_counted_is_unsure() -> None:
    facts = DocumentFacts(tuple(FrameFacts(SCENES["r"], frozenset(c)) for c in "Y?Y"))
    assert answers(NthTime(Given(), 2), facts) == "???"


@pytest.mark.parametrize(
    ("scenes", "step", "expected"),
    [
        ("bbrrggbb", 1, "....YY.."),
        ("bbrrggbb", -1, "YY......"),
        ("rrgrbb", 1, "..Y.YY"),
        ("ggrr", 1, "...."),
        ("rrrr", -1, "...."),
    ],
)
def test_next_scene(scenes: str, step: int, expected: str) -> None:
    assert answers(NextScene(RED, step), document(scenes)) == expected


def test_after() -> None:
    assert answers(After(SAID, RED), document("bbrrbbbb", "w..ww..w")) == "...YY..Y"
    assert answers(After(SAID, RED), document("rbbb", "ww..")) == "...."  # already said when it is shown
    assert answers(After(RED, SAID), document("rrbbrr", "..w...")) == "....YY"
    assert After(RED, SAID).document(document("rrbb", "..w.")) == NO
    assert NthTime(SAID, 1).frame(document("r", "w").frames[0]) == YES


def test_questions_are_answered_at_home() -> None:
    rng = np.random.default_rng(0)
    targets = set()
    for _ in range(300):
        plan = random_plan(rng, num_frames=6, split="train")
        question = ask_ordering(plan, rng, split="train")
        if question is not None:
            targets.add(question.target)
            assert question.predicate.document(plan.facts()) != NO
    assert targets == {"ordering+asr", "ordering+video", "ordering+video+asr"}
    assert ask_ordering(random_plan(rng, num_frames=2, split="train"), rng, split="train") is None
