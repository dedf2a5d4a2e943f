"""``VideoQA``: ask a video. The frames that answer are selected, and a vision-language model (VLM) reads them."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.answer.answer import Answer, warnings_of
from clamr_select.answer.choices import parse_choice
from clamr_select.answer.indexed_videos import IndexedVideos
from clamr_select.answer.prompt import question_text
from clamr_select.answer.settings import AskSettings
from clamr_select.answer.vlm import Reply, Turn, Vlm
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.answer.conversation import Conversation
    from clamr_select.indexing.coarse_to_fine.effort import Effort
    from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
    from clamr_select.indexing.indexed_video import IndexedVideo
    from clamr_select.indexing.progress import Progress
    from clamr_select.selection import Selection
    from clamr_select.selector import FrameSelector

Note = tuple[str, str]
"""(code, message) of a warning."""
NO_VLM: Note = (
    "no_vlm",
    "no VLM is configured, so nothing was answered; the evidence is the selected frames and their words",
)


class VideoQA:
    """Asks videos. Each is indexed once, and then answers any number of questions.

    Example:
        >>> qa = VideoQA(selector, OpenAIVlm("http://localhost:8000/v1"))  # doctest: +SKIP
        >>> qa.ask("talk.mp4", "Who signs the treaty?").text  # doctest: +SKIP

    Args:
        selector: chooses the frames.
        vlm: ``TransformersVlm``, ``OpenAIVlm``, or another :class:`~clamr_select.answer.vlm.Vlm`. Without one,
            answers hold evidence and no text.
        index_options: for ``FrameSelector.index``, e.g. ``{"subtitles": "talk.srt"}``.
        effort: ``full`` encodes every candidate of a video; ``fast`` and ``balanced`` look closely only where the
            answer to a question may be (:meth:`FrameSelector.skim`).
        max_indexed_videos: kept in memory; the one that was asked longest ago goes first.
        progress: called with (stage, done, total) while a video is indexed.

    Raises:
        InputError: ``max_indexed_videos`` is below 1.
        UnknownNameError: there is no such effort.
    """

    def __init__(
        self,
        selector: FrameSelector,
        vlm: Vlm | None = None,
        *,
        index_options: Mapping[str, Any] | None = None,
        effort: Effort = "full",
        max_indexed_videos: int = 4,
        progress: Progress | None = None,
    ) -> None:
        self.vlm = vlm
        self._videos = IndexedVideos(
            selector,
            index_options=dict(index_options or {}),
            effort=effort,
            max_videos=max_indexed_videos,
            progress=progress,
        )

    def ask(
        self,
        video: str | Path | IndexedVideo | SkimmedVideo,
        question: str,
        options: Sequence[str] | None = None,
        **settings: Any,
    ) -> Answer:
        """Answer one question about a video.

        Args:
            video: a local file, or a URL with the index option ``allow_urls``, indexed now if it was not before; or
                what ``FrameSelector.index`` or ``skim`` returned.
            options: of a multiple-choice question; ``Answer.choice`` is then the letter that was chosen.
            **settings: fields of :class:`~clamr_select.answer.settings.AskSettings` (``num_frames=8``,
                ``max_new_tokens=512``, ``subtitles=True``, ``select_for=None``), and options of
                ``IndexedVideo.select`` (``policy``, ``similarity``, ``modalities``, …).

        Raises:
            InputError: an empty question, options that cannot be told apart, or a number out of range.
            VideoError, ContextError: as ``FrameSelector.index``.
            AnswerError: the model could not be asked.
        """
        return finish(self.answer(video, question, options or (), settings=AskSettings.of(settings)))

    def ask_stream(
        self,
        video: str | Path | IndexedVideo | SkimmedVideo,
        question: str,
        options: Sequence[str] | None = None,
        **settings: Any,
    ) -> Generator[str | Answer, None, None]:
        """As :meth:`ask`: yields the text in pieces as they come, and then the :class:`Answer`."""
        pieces = self.answer(video, question, options or (), settings=AskSettings.of(settings), stream=True)
        yield (yield from pieces)

    def conversation(self, video: str | Path | IndexedVideo | SkimmedVideo) -> Conversation:
        """A conversation about one video, in which the model sees the earlier questions, frames and answers.

        Raises:
            InputError: there is no VLM to talk to.
        """
        from clamr_select.answer.conversation import Conversation

        if self.vlm is None:
            raise InputError("a conversation needs a VLM; without one, ask() returns the evidence of each question")
        return Conversation(self, video)

    def answer(
        self,
        video: str | Path | IndexedVideo | SkimmedVideo,
        question: str,
        options: Sequence[str] = (),
        *,
        settings: AskSettings,
        earlier: Sequence[Turn] = (),
        seen: Selection | None = None,
        stream: bool = False,
    ) -> Generator[str, None, Answer]:
        """What :meth:`ask`, :meth:`ask_stream` and :class:`Conversation` are made of.

        Args:
            earlier: turns of the same conversation.
            seen: ask about these frames, shown in an earlier turn, and select none.
        """
        if not isinstance(question, str):
            raise InputError(f"question must be text, got {question!r}")
        if not question.strip():
            raise InputError("the question is empty; ask something, e.g. 'when does the bridge open?'")
        text = question_text(question, options, with_frames=seen is None)
        timings: dict[str, float] = {}
        selection = seen if seen is not None else self._select(video, question, settings, timings=timings)
        if self.vlm is None:
            warnings = warnings_of(selection, [NO_VLM])
            return Answer(question, None, selection, tuple(options), timings_seconds=timings, warnings=warnings)
        turn = Turn(text, None if seen is not None else selection, settings.subtitles)
        pieces = self.vlm.reply([*earlier, turn], max_new_tokens=settings.max_new_tokens, stream=stream)
        reply = yield from _timed(pieces, timings)
        choice = parse_choice(reply.text, options) if options else None
        return Answer(
            question,
            reply.text,
            selection,
            options=tuple(options),
            choice=choice,
            vlm=self.vlm.name,
            prompt=reply.prompt,
            usage=reply.usage,
            finish_reason=reply.finish_reason,
            timings_seconds=timings,
            fallback=reply.fallback,
            warnings=warnings_of(selection, _notes(reply, unparsed=bool(options) and choice is None)),
        )

    def _select(
        self,
        video: str | Path | IndexedVideo | SkimmedVideo,
        question: str,
        settings: AskSettings,
        *,
        timings: dict[str, float],
    ) -> Selection:
        from clamr_select.indexing.asking import with_tuples

        options = with_tuples({"num_frames": settings.num_frames, **settings.select_options})
        indexed = self._videos.get(video, select_options=options, timings=timings)
        started = time.perf_counter()
        wanted = question if settings.select_for is None else settings.select_for
        selection = indexed.select(wanted, **options)
        timings["select"] = time.perf_counter() - started
        return selection


def finish(pieces: Generator[str, None, Answer]) -> Answer:
    """Run through the pieces to the answer."""
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            return done.value


def _timed(pieces: Generator[str, None, Reply], timings: dict[str, float]) -> Generator[str, None, Reply]:
    """The same pieces and reply, with the clock read at the first piece and at the end."""
    started = time.perf_counter()
    try:
        while True:
            piece = next(pieces)
            timings.setdefault("first_piece", time.perf_counter() - started)
            yield piece
    except StopIteration as done:
        timings["answer"] = time.perf_counter() - started
        return done.value
    finally:
        pieces.close()  # a reader who leaves stops the model


def _notes(reply: Reply, *, unparsed: bool) -> list[Note]:
    notes: list[Note] = []
    if reply.finish_reason == "length":
        notes.append(("answer_truncated", "the answer reached max_new_tokens and was cut there"))
    if unparsed:
        notes.append(("choice_unparsed", "the answer names no option in a form that can mean nothing else"))
    if reply.fallback is not None:
        used = reply.fallback
        notes.append(("fallback", f"the server refused {used.asked}, {used.used} were sent: {used.reason}"))
    return notes
