"""The page: what stands where, and what happens on which event."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from clamr_select.answer import OpenAIVlm
from clamr_select.answer.vlm import Vlm
from clamr_select.demo.asking import Asking, Question, Results
from clamr_select.demo.blocks import DemoBlocks
from clamr_select.demo.examples import load_examples
from clamr_select.demo.hearing import find_hearing
from clamr_select.demo.indexes import Indexes, Source
from clamr_select.demo.library import Library
from clamr_select.demo.library_tab import LIBRARY_TAB, VIDEO_TAB, LibraryTab
from clamr_select.demo.library_tools import LibraryTools
from clamr_select.demo.panel import lay_out_panel, question_box
from clamr_select.demo.parts import (
    TAKING_ENDS,
    asset,
    drawing,
    new_version,
    once_taken,
    page_css,
    part,
    taking_begins,
)
from clamr_select.demo.session import Session
from clamr_select.demo.settings import DemoSettings
from clamr_select.demo.tools import Tools
from clamr_select.demo.views.conversation import conversation_view
from clamr_select.demo.views.starter import starter_view
from clamr_select.indexing.coarse_to_fine.effort import Effort
from clamr_select.selector import FrameSelector

TITLE = "clamr-select"
NANO = "clamr-nano"
MODEL_QUEUE, VLM_QUEUE = "model", "vlm"
MAX_SERVER_ANSWERS = 4
"""That a VLM server is asked for at once; a model in this process takes one at a time."""
MAKE_A_LIBRARY = (
    "Many videos? `clamr-select index FOLDER --library my-library`, then `clamr-select demo --library my-library`: "
    "a tab that finds the video, and the moment in it."
)
SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")


def build(selector: FrameSelector, *, vlm: Vlm | None, settings: DemoSettings) -> DemoBlocks:
    """The demo; see :func:`clamr_select.demo.build_demo`."""
    return Page(selector, vlm=vlm, settings=settings).blocks


class Page:
    """Lays the page out and wires its events, once; visitors' data lives in :class:`Session`."""

    def __init__(self, selector: FrameSelector, *, vlm: Vlm | None, settings: DemoSettings) -> None:
        self.selector, self.vlm, self.settings = selector, vlm, settings
        self.hearing = find_hearing(settings)
        self.examples = dict(load_examples(settings.examples_dir)) if settings.examples else {}
        self.indexes = Indexes(
            selector,
            max_videos=settings.max_indexed_videos,
            index_options={"max_candidates": settings.max_candidates},
            keep_dir=settings.examples_dir / "indexes",
            hearing=self.hearing,
        )
        self.library = None
        if settings.library is not None:
            self.library = Library(selector, model_lock=self.indexes.model_lock, settings=settings)
        self.asking = Asking(self.indexes, vlm=vlm, settings=settings)
        look = {"theme": _theme(), "css": page_css(), "js": asset("page.js")}
        public = [path for example in self.examples.values() for path in (example.video, example.subtitles) if path]
        with DemoBlocks(settings=settings, look=look, public_files=public, title=TITLE, fill_width=True) as self.blocks:
            self._lay_out()
            self._wire()
            Tools(self.asking, self.examples, settings).register(concurrency_id=MODEL_QUEUE)
            if self.library is not None:
                LibraryTools(self.library).register(concurrency_id=MODEL_QUEUE)
        # endpoints report progress; Gradio sends it only where an argument asked, which an endpoint cannot have
        self.blocks.progress_tracking = True

    def _lay_out(self) -> None:
        self.session = gr.State(Session(), time_to_live=self.settings.delete_files_after_seconds)
        gr.Markdown(f"# clamr-select\n{_tagline(self.selector)}", elem_id="cs-header")
        if self.library is None:
            self._lay_out_question_tab()
            gr.Markdown(MAKE_A_LIBRARY, elem_id="cs-make-library")
            return
        with gr.Tabs(elem_id="cs-tabs") as self.tabs:
            with gr.Tab("Library", id=LIBRARY_TAB):
                self.library_tab = LibraryTab(self.library, serve=self.blocks.serve, nothing_asked=self._nothing_asked)
                self.library_tab.lay_out()
            with gr.Tab("One video", id=VIDEO_TAB):
                self._lay_out_question_tab()

    def _lay_out_question_tab(self) -> None:
        with gr.Row(elem_id="cs-top", equal_height=False):
            with gr.Column(scale=5, min_width=320):
                self.player = gr.Video(
                    label="Video",
                    show_label=False,
                    sources=["upload"],
                    elem_id="cs-player",
                    buttons=[],
                    height="auto",
                )
                self.starter = part("starter", value=starter_view(self.examples, None), label="Examples")
                self.panel = lay_out_panel(self.selector, settings=self.settings, hearing=self.hearing)
            with gr.Column(scale=6, min_width=320, elem_id="cs-talk"):
                self.conversation = part("conversation", value=[], label="Questions and answers")
                with gr.Row(elem_id="cs-ask", equal_height=True):
                    self.question = question_box(
                        label="Question",
                        placeholder="What do you want to find?",
                        settings=self.settings,
                        elem_id="cs-question",
                    )
                    self.ask = gr.Button("Ask", variant="primary", scale=1, min_width=88, elem_id="cs-ask-button")
                    self.stop = gr.Button("Stop", scale=1, min_width=72, elem_id="cs-stop-button", visible=False)
        self.timeline = part("timeline", label="Scores over time")
        self.frames = part("frames", label="Selected frames")

    def _wire(self) -> None:
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        panel = self.panel
        entered = [self.question, panel.num_frames, panel.policy, panel.modalities, panel.effort, self.session]
        talk = [self.session, self.conversation, self.stop]
        drawn = [*talk, self.timeline, self.frames, self.question]
        model: dict[str, Any] = {
            "concurrency_id": MODEL_QUEUE,
            "concurrency_limit": 1,
            "show_progress": "minimal",
            "show_progress_on": self.conversation,
            "api_visibility": "private",
        }
        asked = gr.on(
            [self.ask.click, self.question.submit], self._ask, entered, drawn, js=once_taken(len(entered)), **model
        )
        suggested = self.starter.ask(self._suggested, None, self.question, js=once_taken(0), **quick).then(
            self._ask, entered, drawn, **model
        )
        spanned = self.timeline.span(self._set_span, self.session, self.session, **quick).then(
            self._ask_again, entered, drawn, **model
        )
        listened = self.conversation.listen(self._listen, self.session, [self.session, panel.listen], **quick).then(
            self._ask_again, entered, drawn, **model
        )
        chosen_by = [asked, suggested, spanned, listened]
        if self.library is not None:
            question_tab = [self.tabs, self.player, self.question, panel.subtitles, *self._fresh()]
            asked_on = self.library_tab.wire(self.session, model_queue=MODEL_QUEUE, question_tab=question_tab)
            chosen_by.append(asked_on.success(self._ask, entered, drawn, **model))
        for chosen in chosen_by:
            chosen.failure(self._failed, self.session, talk, **quick)
            if self.vlm is not None:
                self._wire_answer(chosen, talk, quick)
        self.stop.click(self._stopped, self.session, talk, **quick)
        self._wire_sources(talk, quick)

    def _wire_answer(self, chosen: Any, talk: list[Any], quick: dict[str, Any]) -> None:
        """After the frames, the VLM's words: another queue, so that nobody's frames wait for them."""
        answered = chosen.success(
            self._answer,
            self.session,
            talk,
            concurrency_id=VLM_QUEUE,
            concurrency_limit=MAX_SERVER_ANSWERS if isinstance(self.vlm, OpenAIVlm) else 1,
            show_progress="hidden",
            api_visibility="private",
        )
        answered.failure(self._failed, self.session, talk, **quick)

    def _wire_sources(self, talk: list[Any], quick: dict[str, Any]) -> None:
        """None of these has ``cancels``: Gradio takes what is cancelled for a failure, and tells of it at any time, so
        work that nobody wants any more is told by its turn and ends by itself."""
        fresh, panel = self._fresh(), self.panel
        brought = [self.player, panel.subtitles, panel.read_text, panel.listen, self.session]
        taking = taking_begins(len(brought))
        self.player.upload(self._new_video, brought, [*fresh, self.player], js=taking, **quick).then(
            None, js=TAKING_ENDS, **quick
        )
        self.player.clear(self._no_video, self.session, [*fresh, panel.subtitles], **quick)
        for setting in (panel.subtitles.upload, panel.subtitles.clear, panel.read_text.input, panel.listen.input):
            setting(self._resource, brought, talk, js=taking, **quick).then(None, js=TAKING_ENDS, **quick)
        self.starter.take(
            self._take_example, [panel.read_text, self.session], [self.player, panel.subtitles, *fresh], **quick
        )

    def _fresh(self) -> list[Any]:
        """What belongs to one video."""
        return [self.session, self.starter, self.conversation, self.timeline, self.frames, self.stop]

    # what a visitor does

    def _ask(
        self, text: str, num_frames: float, policy: str, modalities: list[str], effort: Effort, session: Session
    ) -> Generator[list[Any], None, None]:
        question = Question(text or "", int(num_frames), policy, tuple(modalities), session.span, effort)
        typed: Any = ""
        for results in self.asking.select(session, question):
            yield [*self._drawn(session, results), typed]
            typed = gr.skip()  # what is typed meanwhile is the next question

    def _ask_again(
        self, text: str, num_frames: float, policy: str, modalities: list[str], effort: Effort, session: Session
    ) -> Generator[list[Any], None, None]:
        """The last question once more, within the span that was chosen on the timeline."""
        if not session.turns:
            yield [gr.skip()] * 6
            return
        question = Question(
            session.turns[-1].question, int(num_frames), policy, tuple(modalities), session.span, effort
        )
        for results in self.asking.select(session, question):
            yield [*self._drawn(session, results), gr.skip()]

    def _drawn(self, session: Session, results: Results | None) -> list[Any]:
        version = new_version()
        # only now: what another thread does to the session from here on is drawn by a later version
        if results is None or not session.has(results.turn):
            below = [gr.skip(), gr.skip()]
        else:
            below = [drawing(version, results.timeline), drawing(version, results.frames)]
        return [*self._talk(session, version), *below]

    def _talk(self, session: Session, version: int | None = None) -> list[Any]:
        version = version or new_version()
        return [session, drawing(version, conversation_view(session.turns)), gr.Button(visible=session.is_busy)]

    def _answer(self, session: Session) -> Generator[list[Any], None, None]:
        for _ in self.asking.answer(session):
            yield self._talk(session)
        yield self._talk(session)

    def _failed(self, session: Session) -> list[Any]:
        session.fail()
        return self._talk(session)

    def _stopped(self, session: Session) -> list[Any]:
        session.stop()
        return self._talk(session)

    def _suggested(self, event: gr.EventData) -> str:
        return str(event._data.get("question", ""))[: self.settings.max_question_characters]

    def _set_span(self, session: Session, event: gr.EventData) -> Session:
        session.choose_span(event._data.get("start"), event._data.get("end"))
        return session

    def _listen(self, session: Session) -> list[Any]:
        """The same video, its sound heard: what a turn offered."""
        if session.source is not None:
            session.source = replace(session.source, listen=True, kept=None)
        return [session, True]

    def _new_video(
        self, video: str, subtitles: str | None, read_text: bool, listen: bool, session: Session
    ) -> list[Any]:
        session.begin(Source(Path(video), None if subtitles is None else Path(subtitles), read_text, listen))
        without_captions = gr.Video(subtitles=None)  # those of an example before it
        return [*self._nothing_asked(session), without_captions]

    def _resource(
        self, video: str | None, subtitles: str | None, read_text: bool, listen: bool, session: Session
    ) -> list[Any]:
        """The same video with other subtitles, or its text read, its sound heard, or not."""
        session.stop()  # what is worked on is of the settings before
        given = None if subtitles is None else Path(subtitles)
        if session.example is not None:
            session.source = session.example.source(read_text, subtitles=given)
        elif video is not None:
            session.source = Source(Path(video), given, read_text, listen)
        return self._talk(session)

    def _no_video(self, session: Session) -> list[Any]:
        session.begin(None)
        return [*self._nothing_asked(session), None]

    def _nothing_asked(self, session: Session) -> list[Any]:
        """For the components of :meth:`_fresh`."""
        version = new_version()
        starter = starter_view(self.examples, session.example)
        nothing: tuple[Any, ...] = ([], None, None)
        drawn = [drawing(version, view) for view in nothing]
        return [session, starter, *drawn, gr.Button(visible=False)]

    def _take_example(self, read_text: bool, session: Session, event: gr.EventData) -> list[Any]:
        example = self.examples.get(str(event._data.get("name")))
        if example is None:
            raise gr.Error("There is no such example.", print_exception=False)
        session.begin(example.source(read_text), example)
        player = gr.Video(value=example.video, subtitles=example.subtitles)
        return [player, None, *self._nothing_asked(session)]


def _tagline(selector: FrameSelector) -> str:
    told = "Drop a video, ask, and see which moments answer, and why: by what is **seen**, **said** or **written**."
    if selector.encoder.name != NANO:
        return told
    return (
        f"{told} The small model inside, {NANO}, knows words and simple shapes; it does not know what a dog looks like."
    )


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=list(SYSTEM_FONTS),
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
    )
