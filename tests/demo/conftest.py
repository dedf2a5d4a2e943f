"""The demo as users start it: ``clamr-select demo`` in a process of its own, asked over HTTP."""

from __future__ import annotations

import gc
import http.client
import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from .browsing import CHROMIUM, FLAGS
from .library_fixtures import MadeLibrary, make_library

SRT = """1
00:00:11,500 --> 00:00:13,400
The walrus answered the harbor master.

2
00:00:21,000 --> 00:00:23,000
<img src=x onerror="document.title='hacked'"> <b>lantern</b> keeper & glaciers
"""
START_SECONDS = 240


@pytest.fixture(scope="session")
def subtitles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("subtitles") / "talk.srt"
    path.write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def examples_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, the island cut short to one chapter."""
    from clamr_select.demo.examples.library import ISLAND_CHAPTERS
    from clamr_select.eval.sample.sample import make_sample

    folder = tmp_path_factory.mktemp("examples")
    make_sample(folder / f"island-{ISLAND_CHAPTERS}", num_chapters=1)
    return folder


@pytest.fixture(scope="session")
def media_dir(tmp_path_factory: pytest.TempPathFactory, color_video: Path) -> Path:
    """A folder that agents may name videos of, beside a file that they may not."""
    folder = tmp_path_factory.mktemp("media") / "videos"
    folder.mkdir()
    (folder / "lecture.mp4").write_bytes(color_video.read_bytes())
    (folder.parent / "secret.mp4").write_bytes(color_video.read_bytes())
    (folder / "link.mp4").symlink_to(folder.parent / "secret.mp4")
    return folder


@contextmanager
def serving(temporary: Path, *options: str | Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a demo that runs until the block ends, and its process."""
    pytest.importorskip("gradio", reason="the demo needs gradio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "clamr_select.cli", "demo", "--device", "cpu", "--port", str(port), *options]
    environment = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    environment.pop("GRADIO_TEMP_DIR", None)
    log = temporary / "demo.log"
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [str(part) for part in command], env=environment, stdout=stream, stderr=subprocess.STDOUT, text=True
        )
    try:
        wait_until_it_answers(process, port=port, log=log)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until_it_answers(process: subprocess.Popen[str], *, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/config")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.3)
        finally:
            connection.close()
    raise AssertionError(f"the demo did not start: {log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory, examples_dir: Path, media_dir: Path) -> Iterator[str]:
    temporary = tmp_path_factory.mktemp("demo")
    with serving(temporary, "--examples-dir", examples_dir, "--media-dir", media_dir) as (url, _):
        yield url


@pytest.fixture(scope="session")
def made_library(tmp_path_factory: pytest.TempPathFactory, color_video: Path) -> MadeLibrary:
    """Held by the demo of ``library_url`` while that is asked."""
    from clamr_select.selector import FrameSelector

    selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    return make_library(tmp_path_factory.mktemp("library"), selector, color_video)


@pytest.fixture(scope="session")
def library_url(tmp_path_factory: pytest.TempPathFactory, made_library: MadeLibrary) -> Iterator[str]:
    temporary = tmp_path_factory.mktemp("library-demo")
    with serving(temporary, "--no-examples", *made_library.options) as (url, _):
        yield url


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[tuple[str, subprocess.Popen[str]]]]:
    """:func:`serving`, for tests that need a demo of their own."""
    return serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module", autouse=True)
def clients_are_collected() -> Iterator[None]:
    """Gradio's clients leave sockets to the garbage collector, which would warn of them in somebody else's test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
