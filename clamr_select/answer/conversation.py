"""Questions that build on each other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.answer.answer import Answer
from clamr_select.answer.prompt import question_text
from clamr_select.answer.settings import AskSettings
from clamr_select.answer.video_qa import VideoQA, finish
from clamr_select.answer.vlm import Turn
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
    from clamr_select.indexing.indexed_video import IndexedVideo


class Conversation:
    """Made by :meth:`VideoQA.conversation`. Earlier turns are sent again with each question, frames included.

    A turn that fails, or whose stream is not read to its end, is not part of the conversation.
    """

    def __init__(self, qa: VideoQA, video: str | Path | IndexedVideo | SkimmedVideo) -> None:
        self._qa, self._video = qa, video
        self._turns: list[Turn] = []
        self._answers: list[Answer] = []

    @property
    def answers(self) -> tuple[Answer, ...]:
        """So far, oldest first."""
        return tuple(self._answers)

    def ask(
        self, question: str, options: Sequence[str] | None = None, *, reselect: bool = True, **settings: Any
    ) -> Answer:
        """Ask the next question.

        Args:
            reselect: select frames for this question and show them as well; otherwise it is about the frames
                that were shown before.
            options, settings: as :meth:`VideoQA.ask`; ``select_for`` says what "and after that?" is about.

        Raises:
            As :meth:`VideoQA.ask`; and InputError for ``reselect=False`` before any frame was shown, or with
            arguments about frames.
        """
        return finish(self._answer(question, options or (), reselect, settings, stream=False))

    def ask_stream(
        self, question: str, options: Sequence[str] | None = None, *, reselect: bool = True, **settings: Any
    ) -> Generator[str | Answer, None, None]:
        """As :meth:`ask`: yields the text in pieces as they come, and then the answer."""
        yield (yield from self._answer(question, options or (), reselect, settings, stream=True))

    def _answer(
        self, question: str, options: Sequence[str], reselect: bool, given: dict[str, Any], *, stream: bool
    ) -> Generator[str, None, Answer]:
        if not (reselect or self._answers):
            raise InputError("reselect=False asks about frames shown before; there are none yet")
        idle = sorted(set(given) - {"max_new_tokens"})
        if not reselect and idle:
            raise InputError(f"reselect=False selects and shows no frames, so {', '.join(idle)} would have no effect")
        settings = AskSettings.of(given)
        seen = None if reselect else self._answers[-1].selection
        answer = yield from self._qa.answer(
            self._video, question, options, settings=settings, earlier=self._turns, seen=seen, stream=stream
        )
        text = question_text(question, options, with_frames=reselect)
        self._turns.append(Turn(text, answer.selection if reselect else None, settings.subtitles, answer.text))
        self._answers.append(answer)
        return answer
