"""The library's tab in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from .browsing import CONTRASTS, DESKTOP, MARKS, PHONE, visiting, wait_for_player
from .library_fixtures import HOSTILE, WORDS

pytestmark = MARKS
WALRUS = "what is said about the walrus?"


def search(page: Any, question: str) -> None:
    page.fill("#cs-search-question textarea", question)
    page.press("#cs-search-question textarea", "Enter")
    page.wait_for_selector(".cs-video img")


def test_the_library_is_searched_a_video_opened_and_asked_on(browser: Any, library_url: str) -> None:
    with visiting(browser, library_url, ready="#cs-search-question") as page:
        search(page, WALRUS)
        first = page.locator(".cs-video >> nth=0")
        assert first.locator("h3").inner_text().startswith(f"The {HOSTILE} animal")
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
        page.wait_for_selector(f".cs-frames:has-text('{WORDS['treaty']}')")  # its frames are drawn after the turn
        assert page.locator(".cs-turn[data-state=done]").count() == page.locator(".cs-turn").count() == 1


def test_filters_and_errors_are_told(browser: Any, library_url: str) -> None:
    with visiting(browser, library_url, ready="#cs-search-question") as page:
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
def test_it_fits_and_can_be_read(browser: Any, library_url: str, size: tuple[int, int], dark: bool) -> None:
    with visiting(browser, library_url, size=size, dark=dark, ready="#cs-search-question") as page:
        search(page, WALRUS)
        page.click(".cs-open >> nth=0")
        page.wait_for_selector(".cs-moment img")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        contrasts = page.evaluate(CONTRASTS)
        assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}
        assert len(contrasts) > 20
