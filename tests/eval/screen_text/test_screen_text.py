"""The measurements of on-screen text measure what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clamr_select.context.ocr import TextBox
from clamr_select.eval.screen_text import captions as made
from clamr_select.eval.screen_text.captions import Caption, captions, character_error_rate
from clamr_select.eval.screen_text.gate import compare


class Reader:
    name = "reader"

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def read(self, image: np.ndarray) -> list[TextBox]:
        return [TextBox(text, 1.0, ((0, 0), (1, 0), (1, 1), (0, 1))) for text in self.texts]


@pytest.mark.parametrize(
    ("texts", "rate"),
    [(("GATE c9",), 0.0), (("Gate", "C9"), 0.0), (("Gate C8",), 1 / 6), ((), 1.0), (("x" * 99,), 1.0)],
)
def test_error_rate(texts: tuple[str, ...], rate: float) -> None:
    caption = Caption(np.zeros((8, 8, 3), np.uint8), "Gate C9", 20, "plain", 30)

    assert character_error_rate(Reader(*texts), caption) == pytest.approx(rate)


def test_captions_of_every_size_style_and_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "TEXTS", made.TEXTS[:1])
    shown = list(captions())

    assert len({(c.pixels, c.style, c.quality) for c in shown}) == len(shown) == 4 * 3 * 3
    assert all(c.image.shape == (360, 640, 3) for c in shown)


def test_the_gate_is_compared(color_video: Path) -> None:
    pytest.importorskip("rapidocr")
    report = compare(color_video, candidate_fps=1, num_frames=6)

    assert "6 frames" in report
    assert "different lines lost: 0" in report
