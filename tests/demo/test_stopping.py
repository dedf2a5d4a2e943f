"""Stop, and another video while one is worked on: the same end in whatever order things are heard of."""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.answer.vlm import Reply, Turn
from clamr_select.demo.app import Page
from clamr_select.demo.asking import Asking, Question
from clamr_select.demo.hearing import SWITCHED_OFF, Hearing
from clamr_select.demo.indexes import Indexes, Source
from clamr_select.demo.messages import STOPPED, UNEXPECTED
from clamr_select.demo.parts import asset, drawing
from clamr_select.demo.session import Session
from clamr_select.demo.settings import DemoSettings
from clamr_select.demo.views.conversation import TurnView
from clamr_select.selector import FrameSelector

from .browsing import MARKS

SETTINGS = DemoSettings()
QUESTION = Question("Where?", num_frames=2)


class Talker:
    """Says one word at a time."""

    name = "talker"

    def reply(self, turns: Sequence[Turn], *, max_new_tokens: int, stream: bool = False) -> Generator[str, None, Reply]:
        yield from ("One ", "two ", "three.")
        return Reply("One two three.", (), None, None)


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture
def asking(selector: FrameSelector, tmp_path: Path) -> Asking:
    options = {"candidate_fps": 0.2}
    hearing = Hearing(SWITCHED_OFF)
    indexes = Indexes(selector, max_videos=2, index_options=options, keep_dir=tmp_path, hearing=hearing)
    return Asking(indexes, vlm=Talker(), settings=SETTINGS)


@pytest.mark.parametrize("num_steps", range(8))
@pytest.mark.parametrize("written_over", [False, True], ids=["stop-last", "work-last"])
def test_a_question_that_is_stopped_at_any_step_ends_so(
    asking: Asking, color_video: Path, num_steps: int, written_over: bool
) -> None:
    """The work may write over the stop, since it runs beside it: it sees the stop all the same."""
    session = Session(Source(color_video, read_text=False))
    steps = asking.select(session, QUESTION)
    is_over = any(next(steps, "over") == "over" for _ in range(num_steps + 1))
    turn = session.turns[-1]
    assert session.is_busy
    session.stop()
    if written_over and not is_over:  # a slow machine draws fewer steps
        turn.state, turn.error = "indexing", ""
    drawn = list(steps)

    assert (turn.state, turn.error) == ("error", STOPPED)
    assert drawn[-1:] in ([None], [])  # the end is drawn, and no frames
    assert all(step is None for step in drawn)
    assert asking.indexes.model_lock.acquire(blocking=False)
    assert list(asking.answer(session)) == []
    session.fail()  # a failure that is told of later changes nothing
    assert turn.error == STOPPED


def test_the_model_stops_talking(asking: Asking, color_video: Path) -> None:
    session = Session(Source(color_video, read_text=False))
    list(asking.select(session, QUESTION))
    words = asking.answer(session)
    next(words)
    session.stop()
    list(words)

    assert session.turns[-1].text == "One "
    assert session.turns[-1].error == STOPPED
    assert session.said == []


def test_what_is_over_is_not_stopped() -> None:
    session = Session()
    session.stop()
    session.add(TurnView("who?", state="done"))
    session.stop()
    session.fail()
    assert (session.turns[-1].state, session.turns[-1].is_stopped) == ("done", False)
    session.add(TurnView("who?"))
    session.fail()
    assert session.turns[-1].error == UNEXPECTED


def test_what_was_asked_of_the_video_before_is_drawn_no_more(asking: Asking, color_video: Path) -> None:
    """Its frames may be ready at the moment when another video is brought: before it, or after it."""
    page = Page.__new__(Page)
    session = Session(Source(color_video, read_text=False))
    results = next(step for step in asking.select(session, QUESTION) if step is not None)
    before = page._drawn(session, results)
    session.begin(None)
    page.examples = {}
    cleared = page._nothing_asked(session)
    after = page._drawn(session, results)

    talk, frames, later = (json.loads(drawn) for drawn in (before[1], before[4], after[1]))
    parts = [json.loads(drawn) for drawn in cleared[2:5]]
    assert talk["version"] < parts[0]["version"] < later["version"]
    assert frames["view"]["frames"]
    assert [part["view"] for part in parts] == [[], None, None]
    assert later["view"] == []
    assert "view" not in after[3]  # nothing is drawn of it
    assert session.turns == []


def test_another_video_ends_the_work_on_the_one_before(asking: Asking, color_video: Path) -> None:
    session = Session(Source(color_video, read_text=False))
    steps = asking.select(session, QUESTION)
    next(steps), next(steps)
    session.begin(Source(color_video))

    assert list(steps) == []
    assert asking.indexes.model_lock.acquire(blocking=False)
    assert len(asking.indexes) == 0


def test_no_event_cancels_another(demo_url: str) -> None:
    """Gradio tells those who listen for failures of whatever is cancelled, and at any time."""
    connection = http.client.HTTPConnection(urlsplit(demo_url).netloc, timeout=60)
    connection.request("GET", "/config")
    config = json.loads(connection.getresponse().read())
    connection.close()

    assert len(config["dependencies"]) > 10
    assert [dependency["cancels"] for dependency in config["dependencies"] if dependency["cancels"]] == []


OVERTAKING = """async () => {
  const drawn = [];
  const watchers = [];
  const props = { value: JSON.stringify({ version: 5, view: "a" }) };
  const element = { querySelector: () => document.body };
  const watch = (name, redraw) => watchers.push(redraw);
  const script = SOURCE + "; show((view) => drawn.push(view));";
  const load = new Function("element", "props", "watch", "trigger", "drawn", script);
  load(element, props, watch, () => {}, drawn);
  for (const [version, view] of [[7, "c"], [6, "b"], [8, "d"]]) {
    props.value = JSON.stringify({ version, view });
    watchers.forEach((redraw) => redraw());
  }
  props.value = { plain: true };
  watchers.forEach((redraw) => redraw());
  return drawn;
}"""


@pytest.mark.slow
@pytest.mark.skipif(MARKS[1].args[0], reason=MARKS[1].kwargs["reason"])
def test_a_drawing_that_was_overtaken_is_not_shown(browser: Any) -> None:
    page = browser.new_page()
    drawn = page.evaluate(OVERTAKING.replace("SOURCE", json.dumps(asset("shared.js"))))
    page.close()

    assert drawn == ["a", "c", "d", {"plain": True}]


def test_what_is_drawn_next_replaces_it_and_never_changes_it_in_place() -> None:
    """Gradio's changes are made inside what the page has not drawn yet: frames and scores were lost by it."""
    from gradio import skip
    from gradio.utils import diff

    first, second = (drawing(version, {"frames": [version]}) for version in (1, 2))
    for old, new in ((first, second), (first, skip()), (skip(), second)):
        assert [path for _, path, _ in diff(old, new)] == [[]]
