"""What a question asks, as a predicate that is checked against every frame and document.

A verdict has three values, because a frame that may answer (a contents slide that lists the words, text drawn
but not recognised, a place that a group of shapes cannot have) is neither a positive nor a negative.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Literal

from clamr_select.eval.needle.scene import BAR_CHART, CHARTS, Scene, Shape


class Verdict(IntEnum):
    """Ordered, so that "both" is ``min`` and "either" is ``max``."""

    NO = 0
    UNSURE = 1
    YES = 2


NO, UNSURE, YES = Verdict.NO, Verdict.UNSURE, Verdict.YES


@dataclass(frozen=True)
class FrameFacts:
    """What one candidate shows and what is said and written at its time."""

    scene: Scene
    asr: frozenset[str] = frozenset()
    """Content words of the speech lines that overlap the candidate, in base form."""
    ocr: frozenset[str] = frozenset()
    """Content words on screen, slides that list many words apart."""
    unsure_ocr: frozenset[str] = frozenset()
    """All words on screen: also those of listing slides, and those drawn but not recognised."""


@dataclass(frozen=True)
class DocumentFacts:
    frames: tuple[FrameFacts, ...]
    description: frozenset[str] = frozenset()

    @cached_property
    def asr(self) -> frozenset[str]:
        """All spoken words."""
        return frozenset().union(*(f.asr for f in self.frames))

    @cached_property
    def unsure_ocr(self) -> frozenset[str]:
        """All words on screen."""
        return frozenset().union(*(f.unsure_ocr | f.ocr for f in self.frames))


class Predicate(ABC):
    """What makes a frame (and so a document) an answer."""

    @abstractmethod
    def frame(self, facts: FrameFacts) -> Verdict:
        """Whether this frame answers."""

    def frames(self, facts: DocumentFacts) -> list[Verdict]:
        """Whether each frame of a document answers."""
        return [self.frame(f) for f in facts.frames]

    def document(self, facts: DocumentFacts) -> Verdict:
        """A document answers when one of its frames does."""
        return max(self.frames(facts), default=NO)


@dataclass(frozen=True)
class ShapePattern:
    """Attributes a shape must have; None allows any."""

    kind: str | None = None
    colour: str | None = None
    size: str | None = None
    texture: str | None = None
    place: str | None = None
    count: int | None = None
    number: int | None = None
    direction: str | None = None
    motion: str | None = None

    def shape(self, shape: Shape) -> Verdict:
        """Whether a shape fits, its count apart."""
        if self.kind not in (None, shape.kind) and not (self.kind == BAR_CHART and shape.kind in CHARTS):
            return NO  # a rising bar chart is a bar chart too
        for name in ("colour", "size", "texture", "number", "direction", "motion"):
            wanted = getattr(self, name)
            if wanted is not None and wanted != getattr(shape, name):
                return NO
        if self.place is None or self.place == shape.place:
            return YES
        return UNSURE if shape.place is None else NO  # the leftmost of a group may pass for "on the left"


@dataclass(frozen=True)
class ShowsShapes(Predicate):
    """The picture shows one or two shapes, perhaps in a relation, perhaps on a background of one colour."""

    patterns: tuple[ShapePattern, ...]
    relation: str | None = None
    background: str | None = None
    _known: dict[tuple[object, ...], Verdict] = field(default_factory=dict, compare=False, repr=False)

    def frame(self, facts: FrameFacts) -> Verdict:
        scene = facts.scene
        key = (scene.shapes, scene.background.colour)
        if key not in self._known:
            self._known[key] = self._judge(scene)
        return self._known[key]

    def _judge(self, scene: Scene) -> Verdict:
        if self.background not in (None, scene.background.colour):
            return NO
        if len(self.patterns) == 1:
            return _judge_one(self.patterns[0], scene.shapes)
        first, second = self.patterns
        verdict = NO
        for one in scene.shapes:
            for other in scene.shapes:
                if one is not other and (self.relation is None or _related(one, other, self.relation)):
                    verdict = max(verdict, min(first.shape(one), second.shape(other)))
        return verdict


def _judge_one(pattern: ShapePattern, shapes: tuple[Shape, ...]) -> Verdict:
    verdicts = [pattern.shape(shape) for shape in shapes]
    verdict = max(verdicts, default=NO)
    if pattern.count is None or verdict == NO:
        return verdict
    count = sum(shape.count for shape, fits in zip(shapes, verdicts, strict=True) if fits)
    return verdict if count == pattern.count else NO


_ORDER = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1), "centre": (0, 0)}


def _related(one: Shape, other: Shape, relation: str) -> bool:
    if one.place is None or other.place is None:
        return False
    (x1, y1), (x2, y2) = _ORDER[one.place], _ORDER[other.place]
    return {"left of": x1 < x2, "right of": x1 > x2, "above": y1 < y2, "below": y1 > y2}[relation]


@dataclass(frozen=True)
class HoldsWords(Predicate):
    """The words are spoken (``asr``) or on screen (``ocr``) at the frame's time, all of them."""

    words: frozenset[str]
    modality: Literal["asr", "ocr"]

    def frame(self, facts: FrameFacts) -> Verdict:
        if self.modality == "asr":
            return YES if self.words <= facts.asr else NO
        if self.words <= facts.ocr:
            return YES
        return UNSURE if self.words <= facts.unsure_ocr else NO

    def frames(self, facts: DocumentFacts) -> list[Verdict]:
        if not self.words <= (facts.asr if self.modality == "asr" else facts.unsure_ocr):
            return [NO] * len(facts.frames)
        return super().frames(facts)


@dataclass(frozen=True)
class HoldsWordsAnywhere(Predicate):
    """A question that does not say where its words are: speech or screen will do, if one holds them all."""

    words: frozenset[str]

    def frame(self, facts: FrameFacts) -> Verdict:
        if self.words <= facts.asr or self.words <= facts.ocr:
            return YES
        return UNSURE if self.words <= facts.asr | facts.unsure_ocr else NO

    def document(self, facts: DocumentFacts) -> Verdict:
        if not self.words <= facts.description | facts.asr | facts.unsure_ocr:
            return NO
        return max(super().document(facts), UNSURE)


@dataclass(frozen=True)
class DescribedBy(Predicate):
    """The metadata hold the words. ``strict`` when the question says so ("the video titled …"); otherwise a
    document that speaks of them or shows them may answer as well. No single frame does."""

    words: frozenset[str]
    strict: bool

    def frame(self, facts: FrameFacts) -> Verdict:
        return NO

    def document(self, facts: DocumentFacts) -> Verdict:
        if self.words <= facts.description:
            return YES
        everything = facts.description | facts.asr | facts.unsure_ocr
        return UNSURE if not self.strict and self.words <= everything else NO


@dataclass(frozen=True)
class Both(Predicate):
    """Two predicates hold at the same moment."""

    first: Predicate
    second: Predicate

    def frame(self, facts: FrameFacts) -> Verdict:
        return min(self.first.frame(facts), self.second.frame(facts))

    def frames(self, facts: DocumentFacts) -> list[Verdict]:
        second = self.second.frames(facts)
        if not any(second):
            return second
        return [min(a, b) for a, b in zip(self.first.frames(facts), second, strict=True)]
