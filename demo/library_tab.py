"""The tab in which one asks a whole library, sees the best moments inside a video, and goes on with that video."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from clamr_select.demo.library import MAX_FILTER_CHARACTERS, MAX_TOP_K, Library, Wanted, lines_of
from clamr_select.demo.messages import sentence
from clamr_select.demo.panel import MODALITY_NAMES, question_box
from clamr_select.demo.parts import drawing, new_version, part
from clamr_select.demo.session import Session
from clamr_select.demo.views.library import Found, library_view, moment_pictures
from clamr_select.errors import ClamrSelectError
from clamr_select.retrieval import Hit

PICTURES_QUEUE = "pictures"
VIDEO_TAB, LIBRARY_TAB = "video", "library"


@dataclass
class Visit:
    """What one browser tab searched last. Kept by Gradio."""

    found: Found = field(default_factory=Found)

    def hit(self, place: object) -> Hit | None:
        """One of the videos that were found; None for anything else that a client may send."""
        hits = () if self.found.result is None else self.found.result.hits
        return hits[place] if type(place) is int and 0 <= place < len(hits) else None


class LibraryTab:
    """Inside Blocks: :meth:`lay_out` in the tab, then :meth:`wire`.

    Args:
        serve: lets browsers have a file; returns its path.
        nothing_asked: values of the question tab for a session whose video was not asked about yet.
    """

    def __init__(
        self, library: Library, *, serve: Callable[[Path], str], nothing_asked: Callable[[Session], list[Any]]
    ) -> None:
        self.library, self.settings = library, library.settings
        self.serve, self.nothing_asked = serve, nothing_asked

    def lay_out(self) -> None:
        names = {**MODALITY_NAMES, "description": "Described"}
        known = self.library.selector.encoder.modalities
        self.visit = gr.State(Visit(), time_to_live=self.settings.delete_files_after_seconds)
        with gr.Row(elem_id="cs-search", equal_height=True):
            self.question = question_box(
                label="Question to the library",
                placeholder="What do you want to find in all videos?",
                settings=self.settings,
                elem_id="cs-search-question",
            )
            self.button = gr.Button("Search", variant="primary", scale=1, min_width=88, elem_id="cs-search-button")
        with gr.Accordion("Filters and settings", open=False, elem_id="cs-search-settings"), gr.Row():
            self.filters = gr.Textbox(
                label="Filters, one a line; all must fit",
                placeholder="year>=2020\nchannel=MIT",
                info="By what was noted of the videos: =, !=, >=, >, <= or <.",
                lines=3,
                max_lines=6,
                max_length=MAX_FILTER_CHARACTERS,
                elem_id="cs-search-filters",
            )
            self.modalities = gr.CheckboxGroup(
                [(names.get(name, name), name) for name in known],
                value=list(known),
                label="Search what is",
                elem_id="cs-search-modalities",
            )
            self.top_k = gr.Slider(1, MAX_TOP_K, value=10, step=1, label="Videos to find", elem_id="cs-search-top-k")
        self.results = part("library", value=None, label="Videos that answer")

    def wire(self, session: gr.State, *, model_queue: str, question_tab: Sequence[Any]) -> Any:
        """
        Args:
            session: of the question tab.
            question_tab: the tabs, its player, question and subtitles, and what ``nothing_asked`` has values for.

        Returns:
            The event after which the question tab holds the video that was chosen, and the question.
        """
        drawn = [self.visit, self.results]
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # decoding needs no model, and does not wait for it
        pictures: dict[str, Any] = {"concurrency_id": PICTURES_QUEUE, "concurrency_limit": 1, **private}
        gr.on(
            [self.button.click, self.question.submit],
            self._search,
            [self.question, self.top_k, self.modalities, self.filters, self.visit],
            drawn,
            concurrency_id=model_queue,
            concurrency_limit=1,
            **private,
        ).success(self._add_pictures, self.visit, drawn, **pictures)
        self.results.choose(self._choose, self.visit, drawn, **pictures)
        return self.results.ask_on(self._ask_on, [self.visit, session], list(question_tab), queue=False, **private)

    # what a visitor does

    def _search(
        self, text: str, top_k: float, modalities: list[str], filters: str, visit: Visit
    ) -> Generator[list[Any], None, None]:
        found = visit.found = Found(question=(text or "").strip())
        yield self._drawn(visit)
        all_of_them = set(modalities) == set(self.library.selector.encoder.modalities)
        wanted = Wanted(text or "", int(top_k), () if all_of_them else tuple(modalities), lines_of(filters))
        try:
            visit.found = replace(found, result=self.library.search(wanted))
        except ClamrSelectError as error:
            visit.found = replace(found, error=sentence(error))
        yield self._drawn(visit)

    def _add_pictures(self, visit: Visit) -> list[Any]:
        """Of the best moment of each video, after its words are on the page."""
        searched = visit.found.result
        for place, hit in enumerate(() if searched is None else searched.hits):
            best = hit.best_moment
            found = visit.found if best is None else self._with_pictures(visit.found, place, hit, [best])
            if visit.found.result is not searched:  # searched anew meanwhile
                return [gr.skip(), gr.skip()]
            visit.found = found
        return self._drawn(visit)

    def _choose(self, visit: Visit, event: gr.EventData) -> list[Any]:
        """The moments of one video, or of none where it was chosen already."""
        searched, place = visit.found.result, event._data.get("place")
        hit = visit.hit(place)
        if hit is None or place == visit.found.chosen:
            found = replace(visit.found, chosen=None)
        else:
            moments = range(0 if hit.moments is None else len(hit.moments))
            found = replace(self._with_pictures(visit.found, place, hit, moments), chosen=place)
        if visit.found.result is not searched:  # searched anew meanwhile
            return [gr.skip(), gr.skip()]
        visit.found = found
        return self._drawn(visit)

    def _with_pictures(self, found: Found, place: int, hit: Hit, moments: Sequence[int]) -> Found:
        pictures, why_not = moment_pictures(hit, moments, library=self.library)
        images = {**found.images, **{(place, moment): url for moment, url in pictures.items()}}
        return replace(found, images=images, unreadable={**found.unreadable, **({place: why_not} if why_not else {})})

    def _ask_on(self, visit: Visit, session: Session, event: gr.EventData) -> list[Any]:
        hit = visit.hit(event._data.get("place"))
        if hit is None:
            raise gr.Error("Search the library again.", print_exception=False)
        try:
            source = self.library.source(hit.video)
        except ClamrSelectError as error:
            raise gr.Error(sentence(error), print_exception=False) from None
        session.begin(source)
        player = gr.Video(value=self.serve(source.video), subtitles=None)
        return [gr.Tabs(selected=VIDEO_TAB), player, visit.found.question, None, *self.nothing_asked(session)]

    def _drawn(self, visit: Visit) -> list[Any]:
        version = new_version()
        return [visit, drawing(version, library_view(visit.found, library=self.library))]
