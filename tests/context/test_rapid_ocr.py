"""The real RapidOCR on captions rendered with the font that matplotlib carries."""

from __future__ import annotations

import re
import socket
import sys

import numpy as np
import pytest

from clamr_select.context.ocr import OcrEngine, TextBox, in_reading_order
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.errors import InputError, MissingDependencyError, OcrError

pytest.importorskip("rapidocr")


@pytest.fixture(scope="module")
def engine() -> RapidOcr:
    return RapidOcr()


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


@pytest.mark.parametrize("pixels", [14, 18, 24, 40])
def test_reads_rendered_captions(pixels: int, engine: RapidOcr, render) -> None:
    texts = {(20, 40): "Flight DL 1408", (20, 150): "boards at gate C9", (20, 290): "Bake 25 min"}

    boxes = engine.read(render(texts, pixels=pixels))

    assert [words(box.text) for box in boxes] == [words(text) for text in texts.values()]
    for box, (left, top) in zip(boxes, texts, strict=True):
        xs, ys = zip(*box.box, strict=True)
        assert 0.8 < box.confidence <= 1
        assert min(xs) == pytest.approx(left, abs=pixels / 2)
        assert top - pixels / 2 < min(ys) < max(ys) < top + 2 * pixels


def test_reads_at_the_size_of_the_image_and_in_colour(engine: RapidOcr, render) -> None:
    image = np.ascontiguousarray(render({(60, 150): "Sample passed"}, pixels=48)[100:260])
    tinted = image.copy()
    tinted[..., 2] = 0  # white on blue becomes yellow on dark

    assert [words(box.text) for box in engine.read(image)] == [["sample", "passed"]]
    assert [words(box.text) for box in engine.read(tinted)] == [["sample", "passed"]]


def test_no_text_and_texture_give_no_boxes(engine: RapidOcr) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)

    assert engine.read(np.zeros((120, 160, 3), np.uint8)) == []
    assert engine.read(noise) == []
    assert engine.read(np.zeros((1, 1, 3), np.uint8)) == []


def test_short_and_doubtful_lines_are_left_out(render) -> None:
    image = render({(20, 40): "A", (20, 150): "Harbor"}, pixels=32)

    assert [box.text for box in RapidOcr().read(image)] == ["Harbor"]
    assert [box.text for box in RapidOcr(min_length=7).read(image)] == []
    assert [box.text for box in RapidOcr(min_confidence=0.99999).read(image)] == []


def test_never_uses_the_network(monkeypatch: pytest.MonkeyPatch, render, capfd) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    engine: OcrEngine = RapidOcr()

    assert engine.name == "rapidocr"
    assert len(engine.read(render({(20, 40): "offline"}))) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_what_is_no_image(image: np.ndarray, engine: RapidOcr) -> None:
    with pytest.raises(InputError, match="uint8 RGB"):
        engine.read(image)


def test_an_image_that_rapidocr_cannot_take(engine: RapidOcr) -> None:
    with pytest.raises(OcrError, match="5000x1"):
        engine.read(np.zeros((1, 5000, 3), np.uint8))


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_side": 16},
        {"min_confidence": 1.0},
        {"min_confidence": -0.1},
        {"min_length": 0},
        {"intra_op_threads": 0},
        {"intra_op_threads": 100_000},
    ],
)
def test_arguments_are_checked(arguments: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(arguments))):
        RapidOcr(**arguments)


@pytest.mark.parametrize("package", ["onnxruntime", "rapidocr"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingDependencyError, match=f"{package}.*pip install"):
        RapidOcr()


def box(text: str, left: float, top: float, height: float = 20) -> TextBox:
    right, bottom = left + 50, top + height
    return TextBox(text, 1.0, ((left, top), (right, top), (right, bottom), (left, bottom)))


def test_reading_order() -> None:
    shuffled = [
        box("below", 10, 60),
        box("right", 200, 12),
        box("left", 10, 8),
        box("middle", 100, 0, height=36),
        box("last", 0, 90),
    ]

    assert [b.text for b in in_reading_order(shuffled)] == ["left", "middle", "right", "below", "last"]
    assert in_reading_order([]) == []
