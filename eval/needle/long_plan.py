"""Where things go in a long video: scenes, lines and captions in time, evidence and near misses among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from clamr_select.eval.needle.distractors import near_words
from clamr_select.eval.needle.language import base_words
from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.plans import DocumentPlan, add_screen_text, add_speech
from clamr_select.eval.needle.predicates import NO, Both, FrameFacts, Predicate, ShowsShapes
from clamr_select.eval.needle.questions import (
    Question,
    ask_screen_and_speech,
    ask_video,
    ask_video_and_words,
    ask_words,
)
from clamr_select.eval.needle.scene import Scene
from clamr_select.eval.needle.siblings import sibling_scene
from clamr_select.eval.needle.vocabulary import Split, content_word, pick

LONG_TARGETS = ("video", "asr", "ocr", "video+asr", "video+ocr", "ocr+asr")
NEAR_MISSES = 24  # planted; some turn out to answer or to be unsure
_MIN_OVERLAP = 2
_APART = 12  # seconds between pieces of evidence, so that they are not one
_TRIES = 40

Run = tuple[int, int]
"""First and last candidate, both inclusive."""


@dataclass(frozen=True)
class _Slot:
    """Room for one scene, spoken line, caption or title."""

    modality: str
    first: int
    last: int
    position: str = ""

    @property
    def run(self) -> Run:
        return self.first, self.last


@dataclass
class PlantedQuestion:
    question: Question
    near_misses: list[Run] = field(default_factory=list)


class LongPlan:
    """Fills the time of a video, question by question, then with chance."""

    def __init__(self, rng: np.random.Generator, *, split: Split, num_frames: int) -> None:
        self._rng = rng
        self._split = split
        self.plan = DocumentPlan(224, 126, [Scene(())] * num_frames, moving=True)
        self._free = {
            "video": _shuffled(rng, [_Slot("video", *run) for run in _runs(rng, num_frames, (3, 9), (0, 0))]),
            "asr": _shuffled(rng, [_Slot("asr", *run) for run in _runs(rng, num_frames, (2, 6), (0, 1))]),
            "ocr": _shuffled(
                rng,
                [_Slot("ocr", *run, "caption") for run in _runs(rng, num_frames, (2, 7), (0, 2))]
                + [_Slot("ocr", *run, "title") for run in _runs(rng, num_frames, (3, 8), (1, 6))],
            ),
        }
        self.planted: list[PlantedQuestion] = []
        self._pictures: list[Predicate] = []

    def add_questions(self, count: int) -> None:
        """Evidence for ``count`` questions first, then their near misses, as far as there is room."""
        for number in range(count):
            question = self._with_evidence(LONG_TARGETS[number % len(LONG_TARGETS)])
            if question is not None:
                self.planted.append(PlantedQuestion(question))
        for planted in self.planted:
            self._plant_near_misses(planted)

    def fill(self) -> None:
        """Chance wherever nothing is yet; no picture of chance answers a question."""
        for modality in ("video", "asr", "ocr"):
            for slot in self._free[modality]:
                if modality == "video":
                    self._show(slot, self._scene_of_chance())
                elif self._rng.random() < 0.8:
                    self._write(slot, ())
            self._free[modality] = []

    def _with_evidence(self, target: str) -> Question | None:
        modalities = target.split("+")
        slots = self._evidence_slots(modalities, count=int(self._rng.integers(1, 4)))
        if not slots:
            return None
        question = self._ask(target)
        if question is None:
            return None
        for group in slots:
            for slot in group:
                self._free[slot.modality].remove(slot)
                if slot.modality == "video" and question.scene is not None:
                    self._show(slot, replace(question.scene, seed=int(self._rng.integers(1 << 30))))
                elif target == "ocr+asr" and slot.modality == "ocr":
                    self._write(slot, question.screen_words)
                else:
                    self._write(slot, question.words)
        return question

    def _evidence_slots(self, modalities: list[str], *, count: int) -> list[tuple[_Slot, ...]]:
        """Free slots, or pairs of them that share two seconds, far from each other."""
        chosen: list[tuple[_Slot, ...]] = []
        for slot in self._free[modalities[0]]:
            group: tuple[_Slot, ...] = (slot,)
            if len(modalities) > 1:
                partners = (s for s in self._free[modalities[1]] if _overlap(slot, s) >= _MIN_OVERLAP)
                partner = next(partners, None)
                if partner is None:
                    continue
                group = (slot, partner)
            if all(_distance(slot, other) > _APART for taken in chosen for other in taken):
                chosen.append(group)
            if len(chosen) == count:
                break
        return chosen

    def _ask(self, target: str) -> Question | None:
        rng = self._rng
        words, others = self._new_words(), self._new_words()
        match target:
            case "asr" | "ocr":
                return ask_words(words, target, rng)
            case "ocr+asr":
                return ask_screen_and_speech(words, others, rng)
        for _ in range(_TRIES):
            scene = draw_scene(rng, split=self._split, moving=True)
            question = ask_video(scene, rng)
            if target != "video":
                question = ask_video_and_words(scene, words, target.removeprefix("video+"), rng)
            picture = _picture(question.predicate)
            answered = any(p.frame(FrameFacts(scene)) != NO for p in self._pictures)
            shown = any(picture.frame(FrameFacts(s)) != NO for s in set(self.plan.scenes))
            siblings = [sibling_scene(scene, rng, split=self._split, moving=True) for _ in range(8)]
            alike = sum(picture.frame(FrameFacts(s)) == NO for s in siblings)
            if not answered and not shown and alike >= 3:
                self._pictures.append(picture)
                return question
        return None

    def _new_words(self) -> tuple[str, ...]:
        count = pick(self._rng, (2, 2, 3))
        words: list[str] = []
        while len(words) < count:
            (word,) = base_words((content_word(self._rng, split=self._split),))
            if word not in words and not word.isdigit():
                words.append(word)
        return tuple(words)

    def _plant_near_misses(self, planted: PlantedQuestion) -> None:
        ways = _near_ways(self, planted.question)
        for number in range(NEAR_MISSES):
            run = ways[number % len(ways)]()
            if run is not None:
                planted.near_misses.append(run)

    def near_scene(self, question: Question) -> Run | None:
        """A scene with one thing changed, somewhere."""
        scene = question.scene
        for _ in range(_TRIES):
            if scene is None or not self._free["video"]:
                return None
            sibling = sibling_scene(scene, self._rng, split=self._split, moving=True)
            if self._answers_nothing(sibling):
                return self._show(self._free["video"].pop(), sibling)
        return None

    def same_scene(self, question: Question) -> Run | None:
        """The very scene, somewhere without the words."""
        if question.scene is None or not self._free["video"]:
            return None
        return self._show(self._free["video"].pop(), replace(question.scene, seed=int(self._rng.integers(1 << 30))))

    def text(self, modality: str, words: tuple[str, ...]) -> Run | None:
        """The words in this modality, somewhere."""
        if not self._free[modality] or not words:
            return None
        return self._write(self._free[modality].pop(), words)

    def near_text(self, modality: str, words: tuple[str, ...]) -> Run | None:
        """Half of the words, or one of them exchanged for a similar one."""
        return self.text(modality, near_words(words, self._rng, split=self._split))

    def _answers_nothing(self, scene: Scene) -> bool:
        return all(predicate.frame(FrameFacts(scene)) == NO for predicate in self._pictures)

    def _scene_of_chance(self) -> Scene:
        while True:
            scene = draw_scene(self._rng, split=self._split, moving=True)
            if self._answers_nothing(scene):
                return scene

    def _show(self, slot: _Slot, scene: Scene) -> Run:
        self.plan.scenes[slot.first : slot.last + 1] = [scene] * (slot.last + 1 - slot.first)
        return slot.run

    def _write(self, slot: _Slot, words: tuple[str, ...]) -> Run:
        if slot.modality == "asr":
            add_speech(self.plan, self._rng, first=slot.first, last=slot.last, split=self._split, words=words)
        else:
            add_screen_text(
                self.plan,
                self._rng,
                first=slot.first,
                last=slot.last,
                position=slot.position,
                split=self._split,
                words=words,
            )
        return slot.run


def _near_ways(plan: LongPlan, question: Question) -> list[Callable[[], Run | None]]:
    words, screen = question.words, question.screen_words
    match question.target:
        case "video":
            return [lambda: plan.near_scene(question)]
        case "asr" | "ocr":
            this, other = ("asr", "ocr") if question.target == "asr" else ("ocr", "asr")
            near = [lambda: plan.near_text(this, words)] * 2
            return [lambda: plan.text(other, words), *near]
        case "ocr+asr":
            alone = [lambda: plan.text("asr", words), lambda: plan.text("ocr", screen)]
            swapped = [lambda: plan.text("ocr", words), lambda: plan.text("asr", screen)]
            near = [lambda: plan.near_text("asr", words), lambda: plan.near_text("ocr", screen)]
            return [*alone, *near, *swapped]
    this, other = ("asr", "ocr") if question.target == "video+asr" else ("ocr", "asr")
    pictures = [lambda: plan.near_scene(question), lambda: plan.same_scene(question)]
    return [*pictures, lambda: plan.text(this, words), lambda: plan.text(other, words)]


def _picture(predicate: Predicate) -> Predicate:
    """The part of a question that is about the picture."""
    return predicate.first if isinstance(predicate, Both) and isinstance(predicate.first, ShowsShapes) else predicate


def _runs(rng: np.random.Generator, num_frames: int, lengths: tuple[int, int], gaps: tuple[int, int]) -> Iterator[Run]:
    """Runs of ``lengths`` candidates (from, to), with ``gaps`` between them; no short one at the end."""
    first = 0
    while first < num_frames:
        last = first + int(rng.integers(lengths[0], lengths[1] + 1)) - 1
        if num_frames - 1 - last <= lengths[0] + gaps[1]:
            last = max(last, num_frames - 1) if gaps == (0, 0) else min(last, num_frames - 1)
            yield first, min(last, num_frames - 1)
            return
        yield first, last
        first = last + 1 + int(rng.integers(gaps[0], gaps[1] + 1))


def _shuffled(rng: np.random.Generator, slots: list[_Slot]) -> list[_Slot]:
    return [slots[int(i)] for i in rng.permutation(len(slots))]


def _overlap(one: _Slot, other: _Slot) -> int:
    return min(one.last, other.last) - max(one.first, other.first) + 1


def _distance(one: _Slot, other: _Slot) -> int:
    return max(one.first, other.first) - min(one.last, other.last)
