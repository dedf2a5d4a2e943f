"""Predicates that compare moments: the second time, what comes next, what comes later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clamr_select.eval.needle.predicates import NO, UNSURE, DocumentFacts, FrameFacts, Predicate, Verdict


class OrderingPredicate(Predicate):
    """Holds for frames of a document, by what comes before and after them."""

    def frame(self, facts: FrameFacts) -> Verdict:
        return self.frames(DocumentFacts((facts,)))[0]


@dataclass(frozen=True)
class NthTime(OrderingPredicate):
    """The ``number``-th run of frames in a row for which ``inner`` holds; -1 is the last."""

    inner: Predicate
    number: int

    def frames(self, facts: DocumentFacts) -> list[Verdict]:
        verdicts = self.inner.frames(facts)
        if UNSURE in verdicts:  # nobody can count
            return [min(v, UNSURE) for v in verdicts]
        runs = runs_of(verdicts)
        index = self.number - 1 if self.number > 0 else len(runs) + self.number
        if not 0 <= index < len(runs):
            return [NO] * len(verdicts)
        first, last = runs[index]
        return [v if first <= i <= last else NO for i, v in enumerate(verdicts)]


@dataclass(frozen=True)
class NextScene(OrderingPredicate):
    """The scene right after (``step`` 1) or right before (-1) the frames for which ``anchor`` holds."""

    anchor: Predicate
    step: int

    def frames(self, facts: DocumentFacts) -> list[Verdict]:
        verdicts = self.anchor.frames(facts)
        scenes = [frame.scene for frame in facts.frames]
        answers = [NO] * len(verdicts)
        for first, last in runs_of(verdicts):
            at = last if self.step > 0 else first
            anchor = verdicts[at]
            here = scenes[at]
            at += self.step
            while 0 <= at < len(scenes) and scenes[at] == here:
                at += self.step
            if not 0 <= at < len(scenes):
                continue
            there = scenes[at]
            while 0 <= at < len(scenes) and scenes[at] == there:
                answers[at] = max(answers[at], anchor)
                at += self.step
        return answers


@dataclass(frozen=True)
class After(OrderingPredicate):
    """Frames for which ``inner`` holds, in a run that begins after ``anchor`` held."""

    inner: Predicate
    anchor: Predicate

    def frames(self, facts: DocumentFacts) -> list[Verdict]:
        verdicts, anchors = self.inner.frames(facts), self.anchor.frames(facts)
        answers = [NO] * len(verdicts)
        for first, last in runs_of(verdicts):
            before = max(anchors[:first], default=NO)
            for i in range(first, last + 1):
                answers[i] = min(verdicts[i], before)
        return answers


def runs_of(verdicts: Sequence[Verdict]) -> list[tuple[int, int]]:
    """(first, last) of each run of frames in a row that hold or may hold."""
    runs: list[tuple[int, int]] = []
    for i, verdict in enumerate(verdicts):
        if verdict == NO:
            continue
        if runs and runs[-1][1] == i - 1:
            runs[-1] = (runs[-1][0], i)
        else:
            runs.append((i, i))
    return runs
