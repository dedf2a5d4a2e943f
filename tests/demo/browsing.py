"""What the tests in a real browser share: headless Chromium, and a visitor in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MARKS = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need Chromium (apt-get install chromium)"),
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 120_000
DESKTOP, PHONE = (1360, 900), (390, 844)


@contextmanager
def visiting(
    browser: Any, url: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False, ready: str = ".cs-empty"
) -> Iterator[Any]:
    """A visitor's page; whatever the page says of errors, and every address outside this machine, fails the test."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        has_touch=size == PHONE,
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if is_outside(asked.url) else None)
    page.goto(f"{url}/?__theme=dark" if dark else url)
    page.wait_for_selector(ready)
    yield page
    context.close()
    assert complaints == []


def is_outside(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "http://localhost", "data:", "blob:"))


def leave_out_text(page: Any) -> None:
    """Reading the text on screen is what takes time; most tests are about something else."""
    page.click("#cs-settings button >> nth=0")
    page.locator("#cs-read-text input").uncheck()
    page.click("#cs-settings button >> nth=0")


def ask(page: Any, question: str) -> None:
    turns = page.locator(".cs-turn").count()
    page.fill("#cs-question textarea", question)
    page.press("#cs-question textarea", "Enter")
    page.wait_for_selector(f".cs-turn:nth-child({turns + 1}):is([data-state=done], [data-state=error])")


def player_seconds(page: Any) -> float:
    return page.evaluate("document.querySelector('#cs-player video').currentTime")


def wait_for_player(page: Any, seconds: float) -> None:
    page.wait_for_function(f"Math.abs(document.querySelector('#cs-player video').currentTime - {seconds}) < 0.11")


CONTRASTS = """() => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(srgb") ? numbers.map((n, i) => (i < 3 ? n * 255 : n)) : numbers;
  };
  const channel = (c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * (top[3] ?? 1) + below[i] * (1 - (top[3] ?? 1)));
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const found = {};
  for (const node of document.querySelectorAll(".cs-part *")) {
    const own = [...node.childNodes].filter((c) => c.nodeType === 3).map((c) => c.data.trim()).join("");
    if (!own || !node.checkVisibility() || node.closest(".cs-picture, svg")) continue;
    const back = ground(node);
    const [light, dark] = [over(parse(getComputedStyle(node).color), back), back].map(luminance).sort((a, b) => b - a);
    found[`${node.className}: ${own.slice(0, 40)}`] = (light + 0.05) / (dark + 0.05);
  }
  return found;
}"""
