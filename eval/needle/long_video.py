"""A long video at one candidate a second, with questions, rare evidence and many near misses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.needle.codec import CRF, through_h264
from clamr_select.eval.needle.documents import asks_held_out, check_names, is_paraphrased
from clamr_select.eval.needle.long_file import Shown, write_mp4, write_srt
from clamr_select.eval.needle.long_plan import LongPlan, PlantedQuestion
from clamr_select.eval.needle.noise import Noise
from clamr_select.eval.needle.oracle import Oracle
from clamr_select.eval.needle.ordering import runs_of
from clamr_select.eval.needle.plans import DocumentPlan, set_description
from clamr_select.eval.needle.predicates import NO, YES, DocumentFacts
from clamr_select.eval.needle.questions import Question
from clamr_select.eval.needle.scene import Scene
from clamr_select.eval.needle.vocabulary import Split
from clamr_select.model.document import Document, TextSegment

MIN_NEAR_MISSES = 20
_SHORTEST = 120
_CONTENT, _NOISE = 201, 202


@dataclass(frozen=True)
class LongQuestion:
    """A question and the seconds that answer it. Candidate i is the frame at i seconds."""

    text: str
    target: str
    """``video``, ``ocr``, ``asr``, ``video+asr``, ``video+ocr`` or ``ocr+asr``."""
    gold_intervals: tuple[tuple[int, int], ...]
    """1 to 3 runs of candidates (first, last), both inclusive, 2 to 10 long: all candidates that answer."""
    ignored: frozenset[int]
    """Candidates that may answer as well: neither right nor wrong."""
    near_misses: tuple[tuple[int, int], ...]
    """At least 20 runs of candidates that nearly answer and do not."""
    paraphrased: bool
    held_out: bool

    @property
    def gold(self) -> frozenset[int]:
        """All candidates that answer."""
        return frozenset(i for first, last in self.gold_intervals for i in range(first, last + 1))


class LongVideo:
    """Candidates by index, drawn when asked for; timed text; questions."""

    duration_seconds: int
    """As many candidates: one a second, from 0."""
    questions: tuple[LongQuestion, ...]
    title: str

    def __init__(self, plan: DocumentPlan, questions: Sequence[Question], labelled: Sequence[LongQuestion]) -> None:
        self._plan = plan
        self._asked = tuple(questions)
        self.duration_seconds = len(plan.scenes)
        self.questions = tuple(labelled)
        self.title = plan.description
        self._lines: list[list[int]] = [[] for _ in plan.scenes]
        for number, line in enumerate(plan.ocr):
            for index in range(line.first, line.last + 1):
                self._lines[index].append(number)
        self._pictures = lru_cache(maxsize=32)(self._draw)

    def frame(self, index: int) -> np.ndarray:
        """The candidate at ``index`` seconds: (height, width, 3) uint8 RGB."""
        return self._pictures(*self._shown(index))[0]

    def neighbor(self, index: int) -> np.ndarray:
        """The source frame that follows it: things that move have moved on."""
        return self._pictures(*self._shown(index))[1]

    def document(self, first: int, last: int) -> Document:
        """Candidates ``first`` to ``last`` (inclusive) with their neighbours and the text of that time.

        A line that reaches over an edge is in both documents, whole.
        """
        if not 0 <= first <= last < self.duration_seconds:
            raise InputError(f"candidates are 0 <= first <= last < {self.duration_seconds}, got {first} and {last}")
        indices = range(first, last + 1)
        segments = [
            TextSegment(modality, line.text, max(line.first, first) - first, min(line.last, last) - first)
            for modality, lines in (("asr", self._plan.asr), ("ocr", self._plan.ocr))
            for line in lines
            if line.first <= last and line.last >= first
        ]
        segments.append(TextSegment("description", self.title))
        frames = [self.frame(i) for i in indices]
        return Document(frames, tuple(segments), [self.neighbor(i) for i in indices])

    def documents(self, *, window: int) -> Iterator[Document]:
        """All of it in documents of ``window`` candidates, as :class:`clamr_select.FrameSelector` cuts it."""
        for first in range(0, self.duration_seconds, window):
            yield self.document(first, min(first + window, self.duration_seconds) - 1)

    def oracle_scores(self) -> np.ndarray:
        """(num_questions, num_candidates) float32, 0..1, as ``DocumentSet.oracle_scores``."""
        oracle = Oracle([self._plan], [self._plan.facts()])
        return np.stack([oracle.frame_scores(question) for question in self._asked]).astype(np.float32)

    def write(self, directory: Path, *, fps: int = 5) -> Path:
        """Write ``video.mp4`` (H.264), ``video.srt`` (speech) and ``questions.json``; returns the video's path.

        On-screen text is in the pictures only: reading it is the codec's and the recogniser's task. Frame
        ``fps`` times i is candidate i.
        """
        directory.mkdir(parents=True, exist_ok=True)
        write_mp4(
            directory / "video.mp4",
            [self._shown(i) for i in range(self.duration_seconds)],
            fps=fps,
            crf=CRF if self._plan.codec else 18,
            title=self.title,
        )
        write_srt(directory / "video.srt", self._plan.asr)
        described = [
            {
                "question": q.text,
                "target": q.target,
                "intervals_seconds": [[first, last + 1] for first, last in q.gold_intervals],
            }
            for q in self.questions
        ]
        (directory / "questions.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
        return directory / "video.mp4"

    def _shown(self, index: int) -> Shown:
        """The scene and the text at each position."""
        if not 0 <= index < self.duration_seconds:
            raise InputError(f"candidates are 0 to {self.duration_seconds - 1}, got {index}")
        lines = [self._plan.ocr[number] for number in self._lines[index]]
        return self._plan.scenes[index], tuple((line.position, line.truth) for line in lines)

    def _draw(self, scene: Scene, texts: tuple[tuple[str, str], ...]) -> tuple[np.ndarray, np.ndarray]:
        image, neighbor = self._plan.draw(scene, dict(texts))
        if not self._plan.codec:
            return image, neighbor
        image, neighbor = through_h264([image, neighbor])
        return image, neighbor


def long_video(
    *, seed: int, split: Split, noise: Noise, duration_seconds: int, num_questions: int | None = None
) -> LongVideo:
    """A video of ``duration_seconds`` (600 to 3600 in the benchmark; at least 120) with its questions.

    ``clean`` and ``realistic`` share scenes, lines and questions.

    Args:
        num_questions: None gives one a minute. Every question needs some 25 places, so there is a limit.

    Raises:
        InputError: too short, or more questions than there is room for.
        UnknownNameError: no such split or noise level.
    """
    if duration_seconds < _SHORTEST or (num_questions is not None and num_questions < 1):
        raise InputError(
            f"got duration_seconds={duration_seconds}, num_questions={num_questions}; "
            f"allowed: at least {_SHORTEST}, and None or at least 1"
        )
    check_names(split, noise)
    wanted = num_questions or duration_seconds // 60
    rng = np.random.default_rng((seed, get_args(Split).index(split), _CONTENT))
    layout = LongPlan(rng, split=split, num_frames=duration_seconds)
    layout.add_questions(wanted + 2 + wanted // 4)
    layout.fill()
    plan = layout.plan
    set_description(plan, rng, split=split)
    facts = plan.facts()
    truths = {id(line): frozenset(re.findall(r"[a-z0-9]+", line.truth.lower())) for line in (*plan.asr, *plan.ocr)}
    labelled = [(planted.question, _label(planted, facts, plan, truths)) for planted in layout.planted]
    kept = _spread([(question, long) for question, long in labelled if long is not None], wanted)
    if len(kept) < wanted:
        raise InputError(
            f"{duration_seconds} seconds have room for {len(kept)} questions with {MIN_NEAR_MISSES} near misses each, "
            f"got num_questions={wanted}; ask for fewer or a longer video"
        )
    if noise == "realistic":
        plan.add_noise(np.random.default_rng((seed, get_args(Split).index(split), _NOISE)), split=split, codec=True)
    return LongVideo(plan, [question for question, _ in kept], [long for _, long in kept])


def _label(
    planted: PlantedQuestion, facts: DocumentFacts, plan: DocumentPlan, truths: dict[int, frozenset[str]]
) -> LongQuestion | None:
    """The question with all that answers it; None when that is not 1 to 3 runs of 2 to 10 candidates."""
    question = planted.question
    verdicts = question.predicate.frames(facts)
    gold = runs_of([v if v == YES else NO for v in verdicts])
    misses = [run for run in planted.near_misses if all(v == NO for v in verdicts[run[0] : run[1] + 1])]
    if not 1 <= len(gold) <= 3 or any(not 2 <= last - first + 1 <= 10 for first, last in gold):
        return None
    if len(misses) < MIN_NEAR_MISSES:
        return None
    tokens = frozenset().union(
        *(
            truths[id(line)]
            for line in (*plan.asr, *plan.ocr)
            if any(line.first <= last and line.last >= first for first, last in gold)
        )
    )
    return LongQuestion(
        text=question.text,
        target=question.target,
        gold_intervals=tuple(gold),
        ignored=frozenset(i for i, v in enumerate(verdicts) if v not in (YES, NO)),
        near_misses=tuple(sorted(misses)),
        paraphrased=is_paraphrased(question, tokens),
        held_out=asks_held_out(question.predicate),
    )


def _spread(labelled: Sequence[tuple[Question, LongQuestion]], wanted: int) -> list[tuple[Question, LongQuestion]]:
    """So many, in turn of each target."""
    turns: dict[str, int] = {}
    keyed = []
    for position, (question, long) in enumerate(labelled):
        turns[long.target] = turns.get(long.target, 0) + 1
        keyed.append(((turns[long.target], position), (question, long)))
    return [pair for _, pair in sorted(keyed, key=lambda item: item[0])][:wanted]
