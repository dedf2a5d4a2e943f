"""A demo with a library as it runs: its tab in a real browser, its endpoint by real clients, and what attackers try."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.selector import FrameSelector

from .browsing import CONTRASTS, DESKTOP, MARKS, PHONE, visiting, wait_for_player
from .library_fixtures import HOSTILE, WORDS, MadeLibrary, make_library

pytestmark = [
    *MARKS,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
WALRUS = "what is said about the walrus?"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, color_video: Path) -> MadeLibrary:
    selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    return make_library(tmp_path_factory.mktemp("library"), selector, color_video)


@pytest.fixture(scope="module")
def url(serve: Any, made: MadeLibrary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("demo"), "--no-examples", *made.options) as (address, _):
        yield address


def search(page: Any, question: str) -> None:
    page.fill("#cs-search-question textarea", question)
    page.press("#cs-search-question textarea", "Enter")
    page.wait_for_selector(".cs-video img")


def test_the_library_is_searched_a_video_opened_and_asked_on(browser: Any, url: str, made: MadeLibrary) -> None:
    with visiting(browser, url, ready="#cs-search-question") as page:
        search(page, WALRUS)
        first = page.locator(".cs-video >> nth=0")
        assert first.locator("h3").inner_text().startswith(f"The {HOSTILE} walrus")
        assert page.title() == "clamr-select"
        assert WORDS["walrus"] in first.locator(".cs-best").inner_text()
        assert page.locator(".cs-video").count() == 3
        assert page.locator(".cs-video img").count() == page.locator(".cs-ask-on").count() == 2
        hidden = page.locator(".cs-video[data-name='bicycle.mp4']")
        assert "--media-dir" in hidden.locator(".cs-told").inner_text()

        # the moments inside, and away again
        first.locator(".cs-open").click()
        page.wait_for_selector(".cs-moment img")
        assert first.locator(".cs-moment img").count() == 6
        assert WORDS["walrus"] in first.locator(".cs-moments").inner_text()
        first.locator(".cs-open").click()
        page.wait_for_selector(".cs-moments", state="detached")
        hidden.locator(".cs-open").click()
        page.wait_for_selector(".cs-moments")
        assert page.locator(".cs-moment img").count() == 0

        # asked on: the other tab, with the video, its index as the library made it, and the question
        first.locator(".cs-ask-on").click()
        page.wait_for_selector(".cs-turn[data-state=done]")
        assert page.inner_text(".cs-turn h3") == WALRUS
        assert "Index of 12 frames read from disk" in page.inner_text(".cs-turn .cs-note")
        assert page.locator(".cs-speech").count() == 0
        best = page.locator(".cs-evidence .cs-time >> nth=0")
        best.click()
        wait_for_player(page, float(best.get_attribute("data-seconds")))
        page.fill("#cs-question textarea", "and the harbor?")
        page.press("#cs-question textarea", "Enter")
        page.wait_for_selector(".cs-turn:nth-child(2)[data-state=done]")
        assert "none decoded or encoded again" in page.inner_text(".cs-turn:nth-child(2) .cs-note")

        # the library is as it was, and another of its videos begins another conversation
        page.click("button[role=tab]:has-text('Library')")
        page.click(".cs-video[data-name='treaty.mp4'] .cs-ask-on")
        page.wait_for_selector(".cs-turn[data-state=done]")
        assert page.locator(".cs-turn").count() == 1
        assert WORDS["treaty"] in page.inner_text(".cs-frames")


def test_filters_and_errors_are_told(browser: Any, url: str) -> None:
    with visiting(browser, url, ready="#cs-search-question") as page:
        page.click("#cs-search-button")
        page.wait_for_selector(".cs-library .cs-error")
        assert "question is empty" in page.inner_text(".cs-error")
        page.click("#cs-search-settings button >> nth=0")
        page.fill("#cs-search-filters textarea", "topic=treaty")
        search(page, WALRUS)
        assert page.locator(".cs-video h3").all_inner_texts() == ["treaty.mp400:30"]
        page.fill("#cs-search-filters textarea", "topic")
        page.click("#cs-search-button")
        page.wait_for_selector(".cs-library .cs-error")
        assert "FIELD=VALUE" in page.inner_text(".cs-error")
        assert page.locator(".cs-video").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_and_can_be_read(browser: Any, url: str, size: tuple[int, int], dark: bool) -> None:
    with visiting(browser, url, size=size, dark=dark, ready="#cs-search-question") as page:
        search(page, WALRUS)
        page.click(".cs-open >> nth=0")
        page.wait_for_selector(".cs-moment img")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        contrasts = page.evaluate(CONTRASTS)
        assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}
        assert len(contrasts) > 20


def test_programs_search_and_then_ask_about_what_was_found(url: str, made: MadeLibrary) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(url, verbose=False, analytics_enabled=False)
    found = json.loads(client.predict(question=WALRUS, top_k=2, filters=["year<2022"], api_name="/search"))
    first = found["videos"][0]
    best = max(first["moments"], key=lambda moment: moment["score"])

    assert (first["video"], first["modality"], first["metadata"]["topic"]) == ("walrus.mp4", "asr", "walrus")
    assert best["words"]["asr"] == WORDS["walrus"]
    assert 11 < best["seconds"] < 14
    assert found["num_videos"] == 3
    assert {video["metadata"]["topic"] for video in found["videos"]} == {"walrus", "treaty"}
    assert str(made.media_dir.parent) not in json.dumps(found)
    asked = {"question": WALRUS, "num_frames": 1, "read_text_on_screen": False, "api_name": "/select"}
    assert json.loads(client.predict(video=first["video"], **asked))["moments"][0]["modality"] == "asr"
    outside = json.loads(client.predict(question="bicycle", filters=["topic=bicycle"], api_name="/search"))["videos"][0]
    assert outside["video"] is None
    for wrong, told in (({"question": " "}, "question is empty"), ({"question": "a", "filters": ["path=x"]}, "path")):
        with pytest.raises(AppError, match=told):
            client.predict(**wrong, api_name="/search")


def test_agents_are_told_of_it(url: str) -> None:
    async def tools() -> dict[str, Any]:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        address = f"{url}/gradio_api/mcp/"
        async with streamable_http_client(address) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return {tool.name: tool for tool in (await session.list_tools()).tools}

    found = asyncio.run(tools())
    assert set(found) == {"select", "ask", "list_videos", "search"}
    assert "which" in found["search"].description or "library" in found["search"].description
    assert "year>=2020" in found["search"].inputSchema["properties"]["filters"]["description"]


def test_a_library_opens_no_file_to_http(url: str, made: MadeLibrary) -> None:
    """What was chosen is served, and nothing beside it."""
    import httpx

    secret = made.media_dir / "notes.txt"
    secret.write_text("secret")
    for path in (secret, made.videos["bicycle"], made.videos["treaty"].with_suffix(".srt"), made.place / "corpus.json"):
        assert httpx.get(f"{url}/gradio_api/file={path}", timeout=30).status_code in (403, 404)
