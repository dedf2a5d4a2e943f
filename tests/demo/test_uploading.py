"""A question that is sent while its video is still on the way, in a real browser: it is asked of that video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .browsing import MARKS, leave_out_text, visiting

pytestmark = MARKS
QUESTION = "What does the walrus do?"


def send(page: Any) -> None:
    page.fill("#cs-question textarea", QUESTION)
    page.press("#cs-question textarea", "Enter")
    page.press("#cs-question textarea", "Enter")  # in doubt, once more
    page.wait_for_selector("[data-cs-waits=upload]")
    page.wait_for_timeout(300)
    assert page.locator(".cs-turn").count() == 0


def wait_for_the_answer(page: Any) -> None:
    page.wait_for_selector(".cs-turn:is([data-state=done], [data-state=error])")
    page.wait_for_timeout(500)
    assert page.locator("[data-cs-waits]").count() == 0
    assert page.locator(".cs-turn").count() == 1


@pytest.mark.parametrize("held", ["**/upload?*", "**/run/predict*"], ids=["on-its-way", "not-taken-yet"])
def test_it_waits_for_the_video(browser: Any, demo_url: str, color_video: Path, held: str) -> None:
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        page.wait_for_timeout(500)  # the tick is told to the server, too
        requests: list[Any] = []
        page.route(held, lambda route: requests.append(route))
        page.set_input_files("#cs-player input[type=file]", str(color_video))
        wait_until(page, requests)
        send(page)
        requests[0].continue_()
        page.unroute(held)
        wait_for_the_answer(page)

        assert page.inner_text(".cs-turn h3") == QUESTION
        assert page.locator(".cs-frame").count() == 8
        assert page.locator("#cs-player video").count() == 1


def test_it_waits_for_the_subtitles(browser: Any, demo_url: str, color_video: Path, subtitles: Path) -> None:
    with visiting(browser, demo_url) as page:
        leave_out_text(page)
        page.set_input_files("#cs-player input[type=file]", str(color_video))
        page.wait_for_selector("#cs-player video")
        page.click("#cs-settings button >> nth=0")
        requests: list[Any] = []
        page.route("**/upload?*", lambda route: requests.append(route))
        page.set_input_files("#cs-subtitles input[type=file]", str(subtitles))
        wait_until(page, requests)
        send(page)
        requests[0].continue_()
        page.unroute("**/upload?*")
        wait_for_the_answer(page)

        assert "The walrus answered the harbor master." in page.inner_text(".cs-frames")


def test_a_suggested_question_waits_for_a_setting(browser: Any, demo_url: str) -> None:
    """Which would stop it: what is worked on is of the settings before."""
    with visiting(browser, demo_url) as page:
        requests: list[Any] = []
        page.route("**/run/predict*", lambda route: route.continue_() if requests else requests.append(route))
        leave_out_text(page)
        wait_until(page, requests)
        page.click("[data-example=toy-cupboard]")
        page.click(".cs-question >> nth=0")
        page.wait_for_selector("[data-cs-waits=upload]")
        page.wait_for_timeout(300)
        assert page.locator(".cs-turn").count() == 0
        requests[0].continue_()
        wait_for_the_answer(page)

        assert page.locator(".cs-frame").count() == 8


def test_an_upload_that_fails_does_not_keep_it_waiting(browser: Any, demo_url: str, color_video: Path) -> None:
    with visiting(browser, demo_url) as page:
        requests: list[Any] = []
        page.route("**/upload?*", lambda route: requests.append(route))
        page.set_input_files("#cs-player input[type=file]", str(color_video))
        wait_until(page, requests)
        send(page)
        requests[0].fulfill(status=413, body='{"detail": "too large"}')
        wait_for_the_answer(page)

        assert page.inner_text(".cs-error") == "There is no video yet: drop one, or take an example."


def wait_until(page: Any, requests: list[Any]) -> None:
    """Until the server is asked, and hears nothing of it."""
    for _ in range(600):
        if requests:
            return
        page.wait_for_timeout(100)
    raise AssertionError("nothing was sent")
