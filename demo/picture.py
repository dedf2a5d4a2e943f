"""The picture of the demo in the README, from the page as it is today.

    python -m clamr_select.demo.picture [--output docs/images/demo.png]

Starts ``clamr-select demo`` with the embedded model, asks an example's question in a headless Chromium, and takes the
page from its top to the last of our frames. Needs Chromium, and Playwright (``pip install 'clamr-select[dev]'``).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from clamr_select.demo.process import start
from clamr_select.errors import ClamrSelectError, InputError, missing_dependency

OUTPUT = Path("docs/images/demo.png")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EXAMPLE, QUESTION, WORD = "toy-cupboard", 0, "red"
"""The example, the place of the question among its own, and the word whose patches are shown."""
WIDTH, HEIGHT = 1280, 900
PATIENCE_MS = 600_000
"""On a slow machine: the first start makes the examples, the first question indexes one."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE", help=f"(default: {OUTPUT})")
    parser.add_argument("--examples-dir", type=Path, metavar="DIR", help="where the examples are (default: made anew)")
    parser.add_argument("--dark", action="store_true", help="in the dark colours")
    arguments = parser.parse_args(argv)
    try:
        take(arguments.output, examples_dir=arguments.examples_dir, dark=arguments.dark)
    except ClamrSelectError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(arguments.output)
    return 0


def take(output: Path, *, examples_dir: Path | None = None, dark: bool = False) -> None:
    """Write the picture.

    Args:
        examples_dir: where the examples are found, or made; None makes them in a folder that goes with the call.

    Raises:
        InputError: the output is no ``.png``, its folder is not there, or no Chromium is installed.
        MissingDependencyError: Playwright is not installed.
    """
    if output.suffix != ".png" or not output.parent.is_dir():
        raise InputError(f"--output must be a .png in a folder that exists, got {output}")
    with ExitStack() as stack:
        page = stack.enter_context(_browser_page(dark=dark))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clamr-select-picture-")))
        examples = folder / "examples" if examples_dir is None else examples_dir.resolve()
        url, _ = start(folder, stack, "--examples-dir", examples, "--device", "cpu")
        page.goto(f"{url}/?__theme={'dark' if dark else 'light'}")
        _ask(page)
        output.write_bytes(page.screenshot(clip=_above(page, ".cs-uniform"), full_page=True))


def _ask(page: Any) -> None:
    page.click(f"[data-example={EXAMPLE}]")
    page.click(f".cs-question >> nth={QUESTION}")
    page.wait_for_selector(".cs-turn[data-state=done]")
    page.click(f".cs-word:text-is('{WORD}')")
    page.wait_for_function("[...document.querySelectorAll('.cs-picture img')].every((image) => image.complete)")
    page.mouse.move(0, 0)


def _above(page: Any, selector: str) -> dict[str, float]:
    box = page.locator(selector).bounding_box()
    return {"x": 0, "y": 0, "width": WIDTH, "height": box["y"] + page.evaluate("window.scrollY")}


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
