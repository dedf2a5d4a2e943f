"""Reading ahead gives what reading in turn gives."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from clamr_select.context.ocr import TextBox
from clamr_select.context.ocr_read_ahead import OcrReadAhead
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.errors import InputError, OcrError

BOX = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


class CountingEngine:
    """Reads the value of the first pixel; notices when two threads use it at once."""

    name = "counting"

    def __init__(self) -> None:
        self.read_values: list[int] = []
        self._busy = threading.Lock()

    def read(self, image: np.ndarray) -> list[TextBox]:
        if not self._busy.acquire(blocking=False):
            raise AssertionError("one engine was used by two threads")
        with self._busy_held():
            value = int(image[0, 0, 0])
            if value == 255:
                raise OcrError("unreadable")
            self.read_values.append(value)
            return [TextBox(f"value {value}", 1.0, BOX)]

    def _busy_held(self):
        from contextlib import closing

        return closing(type("Release", (), {"close": self._busy.release}))


def images(*values: int) -> list[np.ndarray]:
    return [np.full((4, 4, 3), value, dtype=np.uint8) for value in values]


@pytest.mark.parametrize("num_engines", [1, 2, 3])
def test_texts_come_in_the_order_asked(num_engines):
    made = images(*range(0, 200, 10))
    with OcrReadAhead([CountingEngine() for _ in range(num_engines)]) as engine:
        engine.announce(made)
        assert [engine.read(image)[0].text for image in made] == [f"value {v}" for v in range(0, 200, 10)]


@pytest.mark.parametrize(("gated", "read"), [(True, [1, 40, 1]), (False, [1, 2, 40, 1])])
def test_a_frame_on_which_nothing_moved_is_not_read_again(gated, read):
    """Ungated, only one with the very same pixels."""
    engine = CountingEngine()
    made = images(1, 1, 2, 40, 1)
    with OcrReadAhead([engine], gated=gated) as ahead:
        ahead.announce(made)
        for image in made:
            ahead.read(image)
        assert (ahead.counts.frames, ahead.counts.searches) == (5, len(read))
    assert engine.read_values == read


def test_images_are_read_in_the_order_announced():
    made = images(1, 40, 80)
    with OcrReadAhead([CountingEngine()]) as ahead:
        ahead.announce(made)
        with pytest.raises(InputError, match="order"):
            ahead.read(made[1])
        with pytest.raises(InputError, match="3 announced"):
            ahead.announce(made)


@pytest.mark.parametrize("num_engines", [1, 2, 3])
def test_gated_text_does_not_depend_on_the_number_of_engines(num_engines, render):
    pytest.importorskip("rapidocr")
    made = [
        render({(20, 40): f"Gate C{4 + number // 3}", (300, 40 + 40 * number): "Moving sign"}) for number in range(6)
    ]
    with OcrReadAhead([RapidOcr(max_side=480) for _ in range(num_engines)]) as ahead:
        ahead.announce(made)
        shown = [[box.text for box in ahead.read(image)] for image in made]

    assert [sorted(texts) for texts in shown] == [[f"Gate C{4 + number // 3}", "Moving sign"] for number in range(6)]
    assert ahead.counts.lines_read < 2 * len(made)


def test_what_was_not_announced_is_read_at_once():
    with OcrReadAhead([CountingEngine()]) as ahead:
        assert ahead.read(images(7)[0])[0].text == "value 7"


def test_an_engine_that_fails_fails_the_read():
    made = images(255)
    with OcrReadAhead([CountingEngine()]) as ahead:
        ahead.announce(made)
        with pytest.raises(OcrError, match="unreadable"):
            ahead.read(made[0])


def test_no_engine_fails():
    with pytest.raises(InputError, match="at least one engine"):
        OcrReadAhead([])
