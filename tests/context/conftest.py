"""Fixtures of the context room: subtitle files from text, and rendered captions."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

WriteFile = Callable[[str, "str | bytes"], Path]
Render = Callable[..., np.ndarray]


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """``write_file("talk.srt", content)`` writes bytes, or text as UTF-8, and returns the path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def refuse_to_look_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Nothing may be known of a path from now on, as in a folder that may not be entered; root may enter all."""
    stat = os.stat

    def refuse(path: Path) -> None:
        def refusing(asked: object, **how: object) -> os.stat_result:
            if str(asked) == str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return stat(asked, **how)  # type: ignore[call-overload]

        monkeypatch.setattr(os, "stat", refusing)

    return refuse


@pytest.fixture(scope="session")
def render() -> Render:
    """``render({(x, y): "text"}, pixels=20)`` draws white text in DejaVu Sans on a dark 640 x 360 frame."""
    from PIL import Image, ImageDraw, ImageFont

    # found, not imported: old matplotlib with new pyparsing warns, and only the font is wanted
    origin = importlib.util.find_spec("matplotlib").origin
    font_path = Path(origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"

    def draw(texts: dict[tuple[int, int], str], *, pixels: int = 24) -> np.ndarray:
        image = Image.new("RGB", (640, 360), (30, 40, 60))
        font = ImageFont.truetype(str(font_path), pixels)
        for position, text in texts.items():
            ImageDraw.Draw(image).text(position, text, font=font, fill=(255, 255, 255))
        return np.asarray(image)

    return draw
