"""The picture of the demo in the README, from the page as it is today.

    python -m clamr_select.demo.picture [--output docs/images/demo.png] [--tab library]

Starts ``clamr-select demo`` with the embedded model, asks an example's question in a headless Chromium, and takes the
page from its top to the last of our frames; or the library's tab, of a library of the two examples. Needs Chromium, and
Playwright (``pip install 'clamr-select[dev]'``).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from clamr_select.demo.examples import load_examples
from clamr_select.demo.process import start
from clamr_select.errors import ClamrSelectError, InputError, missing_dependency, unknown_name

OUTPUT = Path("docs/images/demo.png")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EXAMPLE, QUESTION, WORD = "toy-cupboard", 0, "red"
"""The example, the place of the question among its own, and the word whose patches are shown."""
LIBRARY_QUESTION = "a red boat above a blue fish"
Tab = Literal["video", "library"]
TABS: tuple[Tab, ...] = get_args(Tab)
WIDTH, HEIGHT, MARGIN = 1280, 900, 8
PATIENCE_MS = 600_000
"""On a slow machine: the first start makes the examples, the first question indexes one."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE", help=f"(default: {OUTPUT})")
    parser.add_argument("--tab", choices=TABS, default="video", help="(default: video)")
    parser.add_argument("--examples-dir", type=Path, metavar="DIR", help="where the examples are (default: made anew)")
    parser.add_argument("--dark", action="store_true", help="in the dark colours")
    arguments = parser.parse_args(argv)
    try:
        take(arguments.output, tab=arguments.tab, examples_dir=arguments.examples_dir, dark=arguments.dark)
    except ClamrSelectError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(arguments.output)
    return 0


def take(output: Path, *, tab: Tab = "video", examples_dir: Path | None = None, dark: bool = False) -> None:
    """Write the picture.

    Args:
        tab: what is shown.
        examples_dir: where the examples are found, or made; None makes them in a folder that goes with the call.

    Raises:
        UnknownNameError: there is no such tab.
        InputError: the output is no ``.png``, its folder is not there, or no Chromium is installed.
        MissingDependencyError: Playwright is not installed.
    """
    if tab not in TABS:
        raise unknown_name("tab", tab, TABS)
    if output.suffix != ".png" or not output.parent.is_dir():
        raise InputError(f"--output must be a .png in a folder that exists, got {output}")
    with ExitStack() as stack:
        page = stack.enter_context(_browser_page(dark=dark))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clamr-select-picture-")))
        examples = folder / "examples" if examples_dir is None else examples_dir.resolve()
        options: tuple[str | Path, ...] = () if tab == "video" else _library(folder, examples)
        url, _ = start(folder, stack, "--examples-dir", examples, "--device", "cpu", *options)
        page.goto(f"{url}/?__theme={'dark' if dark else 'light'}")
        clip = _ask(page) if tab == "video" else _search(page)
        output.write_bytes(page.screenshot(clip=clip, full_page=True))


def _library(folder: Path, examples: Path) -> tuple[str | Path, ...]:
    """Of the examples; options for a demo that has it."""
    cache: tuple[str | Path, ...] = ("--library", folder / "library", "--cache-dir", folder / "frames")
    videos = [example.video for example in load_examples(examples).values()]
    command = [sys.executable, "-m", "clamr_select.cli", "index", *videos, *cache, "--device", "cpu"]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return (*cache, "--media-dir", examples)


def _ask(page: Any) -> dict[str, float]:
    """Shows an answer; the part of the page that is taken."""
    page.click(f"[data-example={EXAMPLE}]")
    page.click(f".cs-question >> nth={QUESTION}")
    page.wait_for_selector(".cs-turn[data-state=done]")
    page.click(f".cs-word:text-is('{WORD}')")
    page.wait_for_function("[...document.querySelectorAll('.cs-picture img')].every((image) => image.complete)")
    page.mouse.move(0, 0)
    return _above(page, page.locator(".cs-uniform").bounding_box()["y"])


def _search(page: Any) -> dict[str, float]:
    """As :func:`_ask`, of the library."""
    page.fill("#cs-search-question textarea", LIBRARY_QUESTION)
    page.click("#cs-search-button")
    page.wait_for_selector(".cs-video img")
    page.click(".cs-open >> nth=0")
    page.wait_for_selector(".cs-moment img")
    page.mouse.move(0, 0)
    box = page.locator(".cs-videos").bounding_box()
    return _above(page, box["y"] + box["height"] + MARGIN)


def _above(page: Any, y: float) -> dict[str, float]:
    return {"x": 0, "y": 0, "width": WIDTH, "height": y + page.evaluate("window.scrollY")}


@contextmanager
def _browser_page(*, dark: bool) -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise missing_dependency("playwright", extra="dev", purpose="a picture of the page") from error
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        raise InputError(f"no Chromium is installed: none of {', '.join(BROWSERS)} was found")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"])
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
