"""One question, from the click to the frames, and from the frames to the VLM's words."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from clamr_select.answer.prompt import question_text
from clamr_select.answer.vlm import Turn, Vlm
from clamr_select.demo.indexes import Indexes
from clamr_select.demo.messages import STOPPED, sentence
from clamr_select.demo.session import Session
from clamr_select.demo.settings import DemoSettings
from clamr_select.demo.views.conversation import TurnView, timing_note
from clamr_select.demo.views.frames import frames_view
from clamr_select.demo.views.speech import speech_view
from clamr_select.demo.views.timeline import timeline_view
from clamr_select.demo.working import Made, Stages
from clamr_select.errors import ClamrSelectError, InputError
from clamr_select.indexing.coarse_to_fine.effort import Effort, check_effort
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.policies import DEFAULT_POLICY
from clamr_select.selection import Selection

NO_VIDEO = "There is no video yet: drop one, or take an example."


@dataclass(frozen=True)
class Question:
    """What a visitor entered."""

    text: str
    num_frames: int = 8
    policy: str = DEFAULT_POLICY
    modalities: Sequence[str] = ()
    """Empty takes all that the video has."""
    span: tuple[float, float] | None = None
    effort: Effort = "full"

    def check(self, settings: DemoSettings) -> None:
        """Raises InputError where it is past a limit; names are checked by the library."""
        settings.check_question(self.text)
        if not 1 <= self.num_frames <= settings.max_frames:
            raise InputError(f"Frames to select: 1 to {settings.max_frames}, got {self.num_frames}.")
        check_effort(self.effort)

    def options(self) -> dict[str, Any]:
        """For ``IndexedVideo.select``."""
        return {
            "num_frames": self.num_frames,
            "policy": self.policy,
            "modalities": list(self.modalities) or None,
            "between_seconds": self.span,
        }


@dataclass(frozen=True)
class Results:
    """What the page draws below the conversation."""

    turn: TurnView
    timeline: dict[str, Any]
    frames: dict[str, Any]


class Asking:
    """Answers questions of all visitors.

    Args:
        indexes: the videos.
        vlm: answers in words; None for none.
    """

    def __init__(self, indexes: Indexes, *, vlm: Vlm | None, settings: DemoSettings) -> None:
        self.indexes, self.vlm, self.settings = indexes, vlm, settings

    def select(self, session: Session, question: Question) -> Generator[Results | None, None, None]:
        """Runs a new turn of the session up to its frames; yields whenever the page should be drawn again."""
        shown = session.add(TurnView(question.text.strip(), has_vlm=self.vlm is not None, span=question.span))
        try:
            question.check(self.settings)
            if session.source is None:
                raise InputError(NO_VIDEO)
            yield None
            with closing(self._select(session, question, shown)) as steps:
                yield from _until_stopped(steps, shown)
        except ClamrSelectError as error:
            shown.end(sentence(error))
        yield from _last_look(session, shown)

    def _select(self, session: Session, question: Question, shown: TurnView) -> Generator[Results | None, None, None]:
        source, truth = session.source, _truth(session, question)
        if source is None:
            raise InputError(NO_VIDEO)
        started = time.perf_counter()
        ready = yield from self._watch(self.indexes.ready(replace(source, effort=question.effort)), shown)
        indexed = yield from self._watch(self.indexes.look(ready, question.text, question.options()), shown)
        selection, uniform = self.choose(indexed, question)
        took = time.perf_counter() - started
        frames = frames_view(indexed, selection, uniform, pictures=ready.pictures, truth=truth)
        if shown.is_stopped:
            return
        shown.selection = selection
        if not question.modalities or "asr" in question.modalities:
            shown.speech = speech_view(ready.speech, warnings=selection.warnings, hearing=self.indexes.hearing)
        shown.note = timing_note(selection, was_kept=ready.was_kept, wall_seconds=took)
        shown.state = "done" if self.vlm is None else "answering"
        yield Results(shown, timeline_view(selection, span=question.span, truth=truth), frames)

    def _watch(self, stages: Generator[Stages, None, Made], shown: TurnView) -> Generator[None, None, Made]:
        with closing(stages):
            while True:
                try:
                    shown.stages = next(stages)
                except StopIteration as done:
                    return done.value
                shown.state = "indexing"
                yield None

    def choose(self, indexed: IndexedVideo, question: Question) -> tuple[Selection, Selection]:
        """Our frames, and uniform sampling's.

        Raises:
            InputError, UnknownNameError: what was asked for does not exist.
        """
        options = question.options()
        with self.indexes.model_lock:
            ours = indexed.select(question.text, **options)
            uniform = indexed.select(question.text, **{**options, "policy": "uniform"})
        return ours, uniform

    def answer(self, session: Session) -> Generator[None, None, None]:
        """Streams the VLM's words into the last turn; does nothing where there is no VLM or no frame."""
        if self.vlm is None or not session.turns or session.turns[-1].state != "answering":
            return
        shown = session.turns[-1]
        turn = Turn(question_text(shown.question), shown.selection)
        pieces = self.vlm.reply([*session.said, turn], max_new_tokens=self.settings.max_new_tokens, stream=True)
        try:
            with closing(pieces):
                reply = yield from _show(pieces, shown)
            if reply is not None:
                shown.text, shown.state = reply.text, "done"
                session.remember(Turn(turn.text, turn.selection, turn.subtitles, reply.text))
        except ClamrSelectError as error:
            shown.end(sentence(error))
        yield from _last_look(session, shown)


def _until_stopped(steps: Iterator[Results | None], shown: TurnView) -> Iterator[Results | None]:
    """What was stopped is not drawn, however far it came."""
    for results in steps:
        if shown.is_stopped:
            return
        yield results


def _last_look(session: Session, shown: TurnView) -> Iterator[None]:
    """How a turn ended, drawn once more; not where its video has left the page."""
    if shown.is_stopped:
        shown.end(STOPPED)  # whatever the work has written over it since
    if session.has(shown):
        yield None


def _truth(session: Session, question: Question) -> tuple[tuple[float, float], ...]:
    """Where the answer is, as far as it is searched."""
    known = () if session.example is None else session.example.truth_of(question.text)
    if question.span is None:
        return known
    start, end = question.span
    return tuple(interval for interval in known if interval[0] <= end and interval[1] >= start)


def _show(pieces: Generator[str, None, Any], shown: TurnView) -> Generator[None, None, Any]:
    """The reply when it is whole; None where it was stopped."""
    while not shown.is_stopped:
        try:
            shown.text += next(pieces)
        except StopIteration as done:
            return done.value
        yield None
