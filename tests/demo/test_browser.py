"""The page in a real browser, asked about real files: headless Chromium, desktop and phone, light and dark."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .browsing import CONTRASTS, DESKTOP, MARKS, PHONE, ask, leave_out_text, player_seconds, visiting, wait_for_player

pytestmark = MARKS
WATCH_STAGES = """
  window.seenStages = [];
  new MutationObserver(() => document.querySelectorAll(".cs-stage span:first-child").forEach((name) =>
    window.seenStages.push(name.textContent))).observe(document.body, { childList: true, subtree: true });
"""
STOP_SECOND_TURN = """
  new MutationObserver((_, watching) => {
    const stop = document.querySelector("#cs-stop-button");
    if (!document.querySelector(".cs-turn:nth-child(2) progress") || !stop) return;
    watching.disconnect();
    stop.click();
  }).observe(document.body, { childList: true, subtree: true });
"""
"""As a visitor with quick fingers: the work may be over before a driver of browsers has clicked."""


def bring(page: Any, video: Path) -> None:
    """Uploads a video; what is asked before the server has taken it goes with the conversation of the one before."""
    with page.expect_response(lambda answer: video.name in (answer.request.post_data or "") and "/run/" in answer.url):
        page.set_input_files("#cs-player input[type=file]", str(video))
    page.wait_for_selector("#cs-player video")


def upload(page: Any, video: Path, subtitles: Path) -> None:
    bring(page, video)
    page.click("#cs-settings button >> nth=0")
    page.set_input_files("#cs-subtitles input[type=file]", str(subtitles))
    page.wait_for_selector("#cs-subtitles .file-preview, #cs-subtitles table")
    page.click("#cs-settings button >> nth=0")


def test_a_file_is_uploaded_asked_sought_brushed_and_asked_again(
    browser: Any, demo_url: str, color_video: Path, subtitles: Path
) -> None:
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        upload(page, color_video, subtitles)

        ask(page, "What does the walrus do?")
        assert page.locator(".cs-frame").count() == 8
        assert "Indexed 30 frames" in page.inner_text(".cs-turn:last-child .cs-note")
        assert "No VLM is set" in page.inner_text(".cs-lead")
        assert "The walrus answered the harbor master." in page.inner_text(".cs-frames")

        # the best frame is where it is said; a click moves the player there
        evidence = page.locator(".cs-evidence .cs-time >> nth=0")
        best = float(evidence.get_attribute("data-seconds"))
        assert 11.5 <= best <= 13.4
        evidence.click()
        wait_for_player(page, best)
        card = page.locator(".cs-frame >> nth=6")
        card.locator(".cs-picture").click()
        wait_for_player(page, float(card.get_attribute("data-time")))
        page.locator(".cs-thumb >> nth=0").click()
        assert player_seconds(page) < best

        # which patches and words answer a word of the question
        assert page.locator(".cs-picture canvas:visible").count() == 0
        page.click(".cs-word:text-is('walrus')")
        assert page.locator(".cs-picture canvas:visible").count() == 8
        assert "walrus" in page.locator("mark.cs-on").all_inner_texts()

        # a part of the timeline is searched
        page.locator(".cs-timeline").scroll_into_view_if_needed()
        box = page.locator(".cs-plot").bounding_box()
        page.mouse.move(box["x"] + 0.60 * box["width"], box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 70, steps=8)
        page.mouse.up()
        page.click(".cs-tool.cs-primary")
        page.wait_for_selector(".cs-turn:nth-child(2)[data-state=done]")
        assert page.inner_text(".cs-turn:nth-child(2) .cs-in").startswith("in 00:1")
        times = [float(card.get_attribute("data-time")) for card in page.locator(".cs-frame").all()]
        assert all(17 <= seconds <= 29 for seconds in times)

        # a follow-up decodes and encodes nothing, and says so
        page.click(".cs-tool:text-is('Search the whole video')")
        page.wait_for_selector(".cs-turn:nth-child(3)[data-state=done]")
        ask(page, "Who tells a story about glaciers?")
        note = page.inner_text(".cs-turn:nth-child(4) .cs-note")
        assert re.match(r"Answered from the index in \d+ ms|Answered from the index in \d\.\d s", note)
        assert "none decoded or encoded again" in note


def test_a_video_without_subtitles_is_listened_to(browser: Any, demo_url: str, talk: Path) -> None:
    pytest.importorskip("pocketsphinx")
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        bring(page, talk)
        ask(page, "who scored three goals?")
        assert "goals" not in "".join(page.locator(".cs-frame").all_inner_texts())
        assert "no subtitles" in page.inner_text(".cs-speech")

        # the turn offers it, stopping works, and what was stopped is asked again
        page.evaluate(STOP_SECOND_TURN)
        page.click(".cs-speech .cs-tool")
        page.wait_for_selector(".cs-turn:nth-child(2)[data-state=error]")
        assert page.inner_text(".cs-turn:nth-child(2) .cs-error") == "Stopped."
        assert page.locator("#cs-listen input").is_checked()
        page.evaluate(WATCH_STAGES)
        ask(page, "who scored three goals?")

        assert "heard by PocketSphinx" in page.inner_text(".cs-turn:last-child .cs-speech")
        assert page.locator(".cs-speech .cs-tool").count() == 0
        assert "hear " in page.inner_text(".cs-turn:last-child .cs-note")
        assert "Hearing speech" in page.evaluate("window.seenStages")
        assert "goals" in "".join(page.locator(".cs-frame").all_inner_texts())
        best = float(page.locator(".cs-turn:last-child .cs-evidence .cs-time >> nth=0").get_attribute("data-seconds"))
        assert 13 < best < 19
        assert page.locator(".cs-turn:last-child .cs-evidence .cs-badge[data-modality=asr]").count() >= 1


def test_listening_is_chosen_beside_the_subtitles_and_hears_nothing_where_nothing_is(
    browser: Any, demo_url: str, color_video: Path, write_talk: Any, tmp_path: Path
) -> None:
    pytest.importorskip("pocketsphinx")
    quiet = write_talk(tmp_path / "quiet.mp4", np.zeros(16_000 * 22, np.float32))
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        page.click("#cs-settings button >> nth=0")
        assert "By PocketSphinx: English" in page.inner_text("#cs-listen")
        page.locator("#cs-listen input").check()
        page.click("#cs-settings button >> nth=0")
        bring(page, quiet)
        ask(page, "who scored three goals?")
        assert page.inner_text(".cs-speech") == "The sound was listened to, and nobody was heard speaking."
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        bring(page, color_video)
        ask(page, "who scored three goals?")
        assert "no subtitles, and no sound" in page.inner_text(".cs-speech")
        assert page.locator(".cs-speech .cs-tool").count() == 0


def test_what_is_said_in_subtitles_and_questions_is_never_html(
    browser: Any, demo_url: str, color_video: Path, subtitles: Path
) -> None:
    hostile = "<img src=x onerror=\"document.title='hacked'\"> lantern & <b>glaciers</b>"
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        upload(page, color_video, subtitles)
        ask(page, hostile)

        assert page.inner_text(".cs-turn h3") == hostile
        assert '<img src=x onerror="document.title=' in page.inner_text(".cs-frames")
        assert page.locator(".cs-part img[src=x], .cs-part b:text-is('glaciers')").count() == 0
        assert page.title() == "clamr-select"


def test_examples_are_switched_and_their_questions_asked(browser: Any, demo_url: str) -> None:
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        page.click("[data-example=orrin-island]")
        page.wait_for_selector(".cs-question")
        assert page.locator(".cs-question").count() == 4
        page.click(".cs-question >> nth=1")
        page.wait_for_selector(".cs-turn[data-state=done]")
        assert page.locator(".cs-hit").count() >= 1
        assert "in none of these 8" in page.inner_text(".cs-uniform") or "of ours" in page.inner_text(".cs-uniform")

        page.click("[data-example=toy-cupboard]")
        page.wait_for_selector("[data-example=toy-cupboard][aria-pressed=true]")
        page.wait_for_selector(".cs-empty")  # another video, another conversation
        page.wait_for_function("document.querySelectorAll('.cs-frame').length === 0")
        page.click(".cs-question >> nth=0")
        page.wait_for_selector(".cs-turn[data-state=done]")
        assert page.locator(".cs-frame").count() == 8
        assert page.locator(".cs-badge[data-modality=asr]").count() == 0


def test_errors_are_sentences(browser: Any, demo_url: str, color_video: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(color_video.read_bytes()[:3000])
    no_subtitles = tmp_path / "empty.srt"
    no_subtitles.write_text("no cue here", encoding="utf-8")
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        ask(page, "Where?")
        assert page.inner_text(".cs-error") == "There is no video yet: drop one, or take an example."
        upload(page, color_video, no_subtitles)
        ask(page, "Where?")
        assert "subtitles could not be read" in page.inner_text(".cs-turn:last-child .cs-error")
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        bring(page, broken)
        ask(page, "Where?")
        assert "could not be read as a video" in page.inner_text(".cs-error")
        assert "/" not in page.inner_text(".cs-error")


def test_the_keyboard_reaches_all(browser: Any, demo_url: str) -> None:
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        page.focus("[data-example=toy-cupboard]")
        page.keyboard.press("Enter")
        page.wait_for_selector(".cs-question")
        page.focus(".cs-question >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_selector(".cs-turn[data-state=done]")
        page.focus(".cs-tool")
        page.keyboard.press("Enter")  # chooses a part, and the focus is on its start
        before = float(page.get_attribute("[data-edge='0']", "aria-valuenow"))
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert float(page.get_attribute("[data-edge='0']", "aria-valuenow")) == pytest.approx(before + 2)
        page.keyboard.press("Enter")
        page.wait_for_selector(".cs-turn:nth-child(2)[data-state=done]")
        page.focus(".cs-picture >> nth=2")
        page.keyboard.press("Enter")
        wait_for_player(page, float(page.locator(".cs-frame >> nth=2").get_attribute("data-time")))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_and_can_be_read(browser: Any, demo_url: str, size: tuple[int, int], dark: bool) -> None:
    """Nothing sticks out sideways, and text has the contrast that WCAG AA asks for (4.5)."""
    with visiting(browser, demo_url, size=size, dark=dark) as page:
        leave_out_text(page)
        page.click("[data-example=toy-cupboard]")
        page.click(".cs-question >> nth=0")
        page.wait_for_selector(".cs-turn[data-state=done]")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        contrasts = page.evaluate(CONTRASTS)
        assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}
        assert len(contrasts) > 20


class Vlm(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that looks at the times before the frames it was sent, and cites the third."""

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"object": "list", "data": [{"id": "cites", "object": "model"}]}))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = asked["messages"][-1]["content"]
        labels = re.findall(r"<([\d.]+) seconds>", " ".join(part.get("text", "") for part in content))
        assert sum(part["type"] == "image_url" for part in content) == len(labels) == 8
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in ("It answers ", "at ", f"<{labels[2]} seconds>", ", see **there**."):
            self._chunk({"content": piece}, None)
            time.sleep(0.4)
        self._chunk({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def _chunk(self, delta: dict[str, str], finish: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "cites", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def _send(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments: Any) -> None:
        """Nothing: pytest shows what failed."""


@pytest.fixture
def vlm() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vlm)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    stop(server)


def stop(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()


def test_the_answer_streams_its_times_seek_and_without_the_model_the_frames_remain(
    browser: Any, serve: Any, vlm: ThreadingHTTPServer, tmp_path: Path, color_video: Path, subtitles: Path
) -> None:
    address = f"http://127.0.0.1:{vlm.server_address[1]}/v1"
    with serve(tmp_path, "--no-examples", "--vlm", address) as (url, _), visiting(browser, url) as page:
        leave_out_text(page)
        upload(page, color_video, subtitles)
        page.fill("#cs-question textarea", "What does the walrus do?")
        page.press("#cs-question textarea", "Enter")
        page.wait_for_function(  # the words come in pieces, before the end is known
            "document.querySelector('.cs-answer')?.textContent.includes('answers')"
            " && !document.querySelector('.cs-answer').textContent.includes('there')"
        )
        assert page.locator("#cs-stop-button").is_visible()
        page.wait_for_selector(".cs-turn[data-state=done]")

        third = float(page.locator(".cs-frame >> nth=2").get_attribute("data-time"))
        cited = page.locator(".cs-answer .cs-time")
        assert page.inner_text(".cs-answer") == f"It answers at {third:.1f} seconds, see there."
        assert page.inner_text(".cs-answer strong") == "there"
        cited.click()
        wait_for_player(page, third)
        assert not page.locator("#cs-stop-button").is_visible()
        ask(page, "And then?")  # a second turn, with the first one sent again
        assert page.locator(".cs-turn:nth-child(2) .cs-time").count() == 1

        stop(vlm)
        ask(page, "And at the end?")
        assert "language model cannot be reached" in page.inner_text(".cs-turn:nth-child(3) .cs-error")
        assert "127.0.0.1" not in page.inner_text(".cs-conversation")
        assert page.locator(".cs-frame").count() == 8
