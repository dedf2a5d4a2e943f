"""The command that takes the README's picture."""

from __future__ import annotations

import builtins
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.demo.picture import BROWSERS, WIDTH, main, take
from clamr_select.errors import MissingDependencyError, UnknownNameError


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="needs Chromium (apt-get install chromium)")
@pytest.mark.parametrize("tab", ["video", "library"])
def test_the_picture_shows_the_page_with_its_frames(
    tab: str, tmp_path: Path, examples_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("playwright.sync_api", reason="the picture needs playwright")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    output = tmp_path / "demo.png"

    assert main(["--output", str(output), "--examples-dir", str(examples_dir), "--tab", tab]) == 0
    assert str(output) in capsys.readouterr().out
    with Image.open(output) as picture:
        assert picture.width == WIDTH
        assert picture.height > 900  # down to what is below the fold
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 1000  # pictures and heat, not a blank page


@pytest.mark.parametrize("output", ["none/demo.png", "demo.jpg"])
def test_a_picture_that_cannot_be_written_is_one_line(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", output]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--output must be a .png" in line


def test_a_tab_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="library, video"):
        take(tmp_path / "demo.png", tab="frames")  # type: ignore[arg-type]


def test_without_playwright_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: Any, **more: Any) -> Any:
        if name.startswith("playwright"):
            raise ImportError(name)
        return real(name, *given, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[dev\]"):
        take(tmp_path / "demo.png")
