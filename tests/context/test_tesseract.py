"""The real Tesseract, where its English data are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from clamr_select.context.ocr import OcrEngine, StagedOcrEngine
from clamr_select.context.tesseract import TesseractOcr
from clamr_select.errors import InputError, MissingDependencyError, OcrError


@pytest.fixture(scope="module")
def engine() -> TesseractOcr:
    pytest.importorskip("tesserocr")
    try:
        return TesseractOcr()
    except OcrError:
        pytest.skip("Tesseract's English data are not installed (apt-get install tesseract-ocr-eng)")


def test_reads_a_rendered_caption_where_it_stands(engine: TesseractOcr, render) -> None:
    typed: OcrEngine = engine
    (first, second) = typed.read(render({(40, 60): "Flight to Dublin", (300, 200): "boards at gate"}, pixels=36))

    assert (first.text, second.text) == ("Flight to Dublin", "boards at gate")
    assert first.box[0] == pytest.approx((40, 66), abs=10)
    assert 0.6 < first.confidence <= 1
    assert not isinstance(engine, StagedOcrEngine)


def test_nothing_and_no_image(engine: TesseractOcr) -> None:
    assert engine.read(np.zeros((120, 160, 3), np.uint8)) == []
    with pytest.raises(InputError, match="uint8 RGB"):
        engine.read(np.zeros((8, 8), np.uint8))


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OcrError, match="tesseract-ocr-eng"):
        TesseractOcr(data_folder=tmp_path)
    with pytest.raises(InputError, match="min_confidence"):
        TesseractOcr(min_confidence=1)
    with pytest.raises(InputError, match="min_length"):
        TesseractOcr(min_length=0)
    (tmp_path / "eng.traineddata").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[tesseract\]"):
        TesseractOcr(data_folder=tmp_path)
