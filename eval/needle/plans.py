"""Documents before they are drawn: which scenes, which lines, when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clamr_select.eval.needle.codec import through_h264
from clamr_select.eval.needle.language import screen_style, sentence, speech_style
from clamr_select.eval.needle.noise import mishear, misread
from clamr_select.eval.needle.pictures import MOVING_SHARE, draw_scene
from clamr_select.eval.needle.predicates import DocumentFacts, FrameFacts
from clamr_select.eval.needle.render import render_scene
from clamr_select.eval.needle.scene import COLOURS, KINDS, Scene
from clamr_select.eval.needle.vocabulary import Split, pick
from clamr_select.model.document import Document, TextSegment

NEIGHBOR_SECONDS = 0.2
"""From a candidate to the source frame that follows it."""
_GREY = np.full((28, 28, 3), 128, dtype=np.uint8)
_SIZES = ((224, 126),) * 7 + ((168, 126), (126, 126), (126, 224))


@dataclass(frozen=True)
class Line:
    """A line of speech or on-screen text over candidates ``first`` to ``last``, inclusive."""

    truth: str
    """What is said, or drawn (rows of a slide on lines of their own)."""
    words: frozenset[str]
    """Its content words in base form."""
    first: int
    last: int
    position: str = ""
    """Where it is drawn: ``caption``, ``title``, ``slide``, or nowhere (speech)."""
    heard: str | None = None
    """What a recogniser makes of it; None without errors."""

    @property
    def text(self) -> str:
        """What is given as text, on one line."""
        return self.truth.replace("\n", " ") if self.heard is None else self.heard


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
    moving: bool = False
    """Things may move, and every candidate comes with its neighbour."""
    codec: bool = False

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
        count = len(self.scenes)
        asr = _words_by_frame(self.asr, count)
        everything = _words_by_frame(self.ocr, count)
        focused = _words_by_frame([line for line in self.ocr if line.position != "slide"], count)
        if not self.ocr_recognised:
            focused = [frozenset()] * count
        frames = map(FrameFacts, self.scenes, asr, focused, everything)
        return DocumentFacts(tuple(frames), self.description_words)

    def add_noise(self, rng: np.random.Generator, *, split: Split, codec: bool) -> None:
        """Let a recogniser hear and read the lines; ``codec``: let the pictures go through H.264. Facts stay."""
        self.asr = [replace(line, heard=mishear(line.truth, rng, split=split)) for line in self.asr]
        self.ocr = [replace(line, heard=misread(line.truth.replace("\n", " "), rng)) for line in self.ocr]
        self.codec = codec

    def document(self, *, pictures: bool = True) -> Document:
        """Draw it; without ``pictures`` its frames are small and grey, for a model that only reads."""
        if not pictures:
            return Document([_GREY] * len(self.scenes), tuple(self._segments()))
        drawn = self._drawn()
        if self.codec:
            flat = [image for pair in drawn for image in pair] if self.moving else [first for first, _ in drawn]
            seen = through_h264(flat)
            drawn = list(zip(seen[::2], seen[1::2], strict=True)) if self.moving else [(image, image) for image in seen]
        neighbors = [neighbor for _, neighbor in drawn] if self.moving else None
        return Document([first for first, _ in drawn], tuple(self._segments()), neighbors)

    def _drawn(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(candidate, its neighbour); the same object where the same is shown."""
        drawn: list[tuple[np.ndarray, np.ndarray]] = []
        previous: tuple[object, ...] = ()
        for index, scene in enumerate(self.scenes):
            shown = {line.position: line.truth for line in self.ocr if line.first <= index <= line.last}
            current = (scene, *sorted(shown.items()))
            drawn.append(drawn[-1] if current == previous else self.draw(scene, shown))
            previous = current
        return drawn

    def draw(self, scene: Scene, shown: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
        """A scene with the text at each position, and the source frame that follows it."""

        def render(phase: float) -> np.ndarray:
            return render_scene(
                scene,
                width=self.width,
                height=self.height,
                caption=shown.get("caption"),
                title=shown.get("title"),
                lines=shown["slide"].split("\n") if "slide" in shown else (),
                phase=phase,
            )

        image = render(0)
        moves = self.moving and any(shape.motion for shape in scene.shapes)
        return image, render(NEIGHBOR_SECONDS) if moves else image

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
    line = Line(speech_style(text, rng), content, first, last)
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
    line = Line(screen_style(text, rng), content, first, last, position)
    plan.ocr.append(line)
    return line


def set_description(plan: DocumentPlan, rng: np.random.Generator, *, split: Split, words: tuple[str, ...] = ()) -> None:
    """Give the document metadata that hold ``words``."""
    text, plan.description_words = sentence(rng, modality="description", split=split, words=words)
    plan.description = screen_style(text, rng)


def random_plan(
    rng: np.random.Generator,
    *,
    num_frames: int,
    split: Split,
    vision_only: bool = False,
    moving: bool = False,
    moving_share: float = MOVING_SHARE,
) -> DocumentPlan:
    """A document of ``num_frames`` candidates; scenes last 1 to 3 of them, lines 1 to 4."""
    width, height = pick(rng, _SIZES)
    plan = DocumentPlan(width, height, [], moving=moving)
    while len(plan.scenes) < num_frames:
        scene = draw_scene(rng, split=split, portrait=plan.portrait, moving=moving, moving_share=moving_share)
        plan.scenes += [scene] * int(rng.integers(1, 4))
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


def _words_by_frame(lines: Sequence[Line], count: int) -> list[frozenset[str]]:
    words: list[frozenset[str]] = [frozenset()] * count
    for line in lines:
        for frame in range(line.first, line.last + 1):
            words[frame] = words[frame] | line.words if words[frame] else line.words
    return words


def some_words(lines: Sequence[Line], frame: int, rng: np.random.Generator) -> tuple[str, ...]:
    """One to four content words of one line at this frame; none when there is no line."""
    present = [line for line in lines if line.first <= frame <= line.last and line.words]
    return choose_words(pick(rng, present).words, rng) if present else ()


def choose_words(words: frozenset[str], rng: np.random.Generator) -> tuple[str, ...]:
    """One to four of the words, mostly two, in any order."""
    ordered = sorted(words)  # sets have no order that a seed could fix
    count = min(len(ordered), pick(rng, (1, 2, 2, 2, 3, 3, 4)))
    return tuple(ordered[int(i)] for i in rng.permutation(len(ordered))[:count])
