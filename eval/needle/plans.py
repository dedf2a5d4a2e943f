"""Documents before they are drawn: which scenes, which lines, when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clamr_select.eval.needle.language import recognition_errors, screen_style, sentence, speech_style
from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.predicates import DocumentFacts, FrameFacts
from clamr_select.eval.needle.render import render_scene
from clamr_select.eval.needle.scene import COLOURS, KINDS, Scene
from clamr_select.eval.needle.vocabulary import Split, pick
from clamr_select.model.document import Document, TextSegment

_SIZES = ((224, 126),) * 7 + ((168, 126), (126, 126), (126, 224))
_WORD_ERRORS = 0.12


@dataclass(frozen=True)
class Line:
    """A line of speech or on-screen text over candidates ``first`` to ``last``, inclusive."""

    text: str
    words: frozenset[str]
    """Content words in base form, as they truly are; ``text`` may hold small recognition errors."""
    first: int
    last: int
    position: str = ""
    """Where it is drawn: ``caption``, ``title``, ``slide``, or nowhere (speech)."""
    drawn: str = ""
    """What is drawn, free of recognition errors."""


@dataclass
class DocumentPlan:
    """One document to be. ``locked`` frames keep their scene: a question is about them."""

    width: int
    height: int
    scenes: list[Scene]
    asr: list[Line] = field(default_factory=list)
    ocr: list[Line] = field(default_factory=list)
    description: str = ""
    description_words: frozenset[str] = frozenset()
    ocr_recognised: bool = True
    locked: set[int] = field(default_factory=set)

    @property
    def portrait(self) -> bool:
        return self.height > self.width

    def free_frames(self) -> list[int]:
        """Frames whose scene no question is about."""
        return [i for i in range(len(self.scenes)) if i not in self.locked]

    def has_room_for_ocr(self, frame: int, position: str) -> bool:
        """Whether ``position`` is empty at this frame."""
        return not any(line.position == position and line.first <= frame <= line.last for line in self.ocr)

    def facts(self) -> DocumentFacts:
        """What the predicates are checked against."""
        return DocumentFacts(tuple(self._frame_facts(i) for i in range(len(self.scenes))), self.description_words)

    def _frame_facts(self, frame: int) -> FrameFacts:
        asr = _union(self.asr, frame)
        everything = _union(self.ocr, frame)
        if not self.ocr_recognised:
            return FrameFacts(self.scenes[frame], asr, frozenset(), everything)
        focused = _union([line for line in self.ocr if line.position != "slide"], frame)
        return FrameFacts(self.scenes[frame], asr, focused, everything)

    def document(self) -> Document:
        """Draw it."""
        frames: list[np.ndarray] = []
        previous: tuple[object, ...] = ()
        for index, scene in enumerate(self.scenes):
            shown = {line.position: line.drawn for line in self.ocr if line.first <= index <= line.last}
            current = (scene, *sorted(shown.items()))
            if current != previous:
                image = render_scene(
                    scene,
                    width=self.width,
                    height=self.height,
                    caption=shown.get("caption"),
                    title=shown.get("title"),
                    lines=shown["slide"].split("\n") if "slide" in shown else (),
                )
            frames.append(image)
            previous = current
        return Document(frames, tuple(self._segments()))

    def _segments(self) -> list[TextSegment]:
        segments = [TextSegment("asr", line.text, line.first, line.last) for line in self.asr]
        if self.ocr_recognised:
            segments += [TextSegment("ocr", line.text, line.first, line.last) for line in self.ocr]
        if self.description:
            segments.append(TextSegment("description", self.description))
        return segments


def add_speech(
    plan: DocumentPlan,
    rng: np.random.Generator,
    *,
    first: int,
    last: int,
    split: Split,
    words: tuple[str, ...] = (),
) -> Line:
    """Append a spoken line that holds ``words``."""
    text, content = sentence(rng, modality="asr", split=split, words=words)
    line = Line(recognition_errors(speech_style(text, rng), rng, word_share=_WORD_ERRORS), content, first, last)
    plan.asr.append(line)
    return line


def add_screen_text(
    plan: DocumentPlan,
    rng: np.random.Generator,
    *,
    first: int,
    last: int,
    position: str,
    split: Split,
    words: tuple[str, ...] = (),
) -> Line:
    """Append a caption or title that holds ``words``; it is drawn and, unless unrecognised, given as text."""
    text, content = sentence(rng, modality="ocr", split=split, words=words)
    drawn = screen_style(text, rng)
    line = Line(recognition_errors(drawn, rng, word_share=_WORD_ERRORS), content, first, last, position, drawn)
    plan.ocr.append(line)
    return line


def set_description(plan: DocumentPlan, rng: np.random.Generator, *, split: Split, words: tuple[str, ...] = ()) -> None:
    """Give the document metadata that hold ``words``."""
    text, plan.description_words = sentence(rng, modality="description", split=split, words=words)
    plan.description = screen_style(text, rng)


def random_plan(rng: np.random.Generator, *, num_frames: int, split: Split, vision_only: bool = False) -> DocumentPlan:
    """A document of ``num_frames`` candidates; scenes last 1 to 3 of them, lines 1 to 4."""
    width, height = pick(rng, _SIZES)
    plan = DocumentPlan(width, height, [])
    while len(plan.scenes) < num_frames:
        plan.scenes += [draw_scene(rng, split=split, portrait=plan.portrait)] * int(rng.integers(1, 4))
    del plan.scenes[num_frames:]
    if vision_only:
        return plan
    plan.ocr_recognised = rng.random() < 0.92
    if rng.random() < 0.8:
        _fill_speech(plan, rng, split)
    if rng.random() < 0.8:
        _fill_screen(plan, rng, split)
    if rng.random() < 0.6:
        set_description(plan, rng, split=split)
    return plan


def _fill_speech(plan: DocumentPlan, rng: np.random.Generator, split: Split) -> None:
    """Lines in turn; the next may begin on the candidate where the last one ends, as short lines do."""
    first, count = int(rng.random() * 2), len(plan.scenes)
    while first < count:
        last = min(count - 1, first + int(rng.integers(0, 4)))
        add_speech(plan, rng, first=first, last=last, split=split, words=_shape_words(rng))
        first = last + int(rng.random() * 2.5) + (last == first)


def _fill_screen(plan: DocumentPlan, rng: np.random.Generator, split: Split) -> None:
    """Captions and titles that come and go with scenes."""
    count = len(plan.scenes)
    for position, share in (("caption", 0.7), ("title", 0.3)):
        first = 0
        while first < count:
            last = min(count - 1, first + int(rng.integers(0, 3)))
            if rng.random() < share:
                words = _shape_words(rng)
                add_screen_text(plan, rng, first=first, last=last, position=position, split=split, words=words)
            first = last + 1


def _shape_words(rng: np.random.Generator) -> tuple[str, ...]:
    """Now and then people speak and write of colours and shapes too."""
    return (pick(rng, tuple(COLOURS)), pick(rng, KINDS)) if rng.random() < 0.05 else ()


def _union(lines: list[Line], frame: int) -> frozenset[str]:
    return frozenset().union(*(line.words for line in lines if line.first <= frame <= line.last))
