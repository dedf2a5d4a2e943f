"""Text is read once while it stays, and anew when a letter of it changes, whatever moves around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from clamr_select.context.frame_change import (
    changed_blocks,
    colours,
    is_cut,
    line_picture,
    moves_around,
    overlap,
    rectangle,
    touches,
)
from clamr_select.context.ocr import TextBox
from clamr_select.context.ocr_gate import LOOK_AGAIN_AFTER, OcrGate
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.context.timed_text import Corners

HEIGHT, WIDTH = 96, 160


def corners(left: float, top: float, right: float, bottom: float) -> Corners:
    return (left, top), (right, top), (right, bottom), (left, bottom)


class Steps:
    """Finds the places it is told of, and reads the first pixel there; small ones escape the glance."""

    def __init__(self) -> None:
        self.places: list[Corners] = []
        self.small: list[Corners] = []

    def glance(self, image: np.ndarray) -> list[Corners]:
        return self.places

    def find(self, image: np.ndarray) -> list[Corners]:
        return [*self.places, *self.small]

    def start_reading(self, image: np.ndarray, corners: Corners) -> Callable[[], TextBox]:
        (x, y), *_ = corners
        text = f"value {image[int(y), int(x), 0]}"
        return lambda: TextBox(text, 1.0, corners)


def texts(gate: OcrGate, image: np.ndarray) -> list[str]:
    return [box.text for box in gate.add(image)()]


def counts(gate: OcrGate) -> tuple[int, int, int]:
    return gate.counts.glances, gate.counts.searches, gate.counts.lines_read


def noisy(image: np.ndarray, seed: int, *, levels: int = 6) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-levels, levels + 1, image.shape)
    return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8)


def plain(level: int = 100) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def test_a_still_slide_is_read_once_in_spite_of_noise() -> None:
    steps = Steps()
    steps.places = [corners(16, 16, 96, 32)]
    gate = OcrGate(steps)

    shown = [texts(gate, plain())] + [texts(gate, noisy(plain(), seed)) for seed in range(30)]

    assert shown == [["value 100"]] * 31
    assert counts(gate) == (0, 1, 1)


def test_only_the_line_that_changed_is_read_again() -> None:
    steps = Steps()
    steps.places = [corners(16, 16, 96, 32), corners(16, 64, 96, 80)]
    gate = OcrGate(steps)
    before, after = plain(), plain()
    after[64:80, 16:96] = 180

    assert texts(gate, before) == ["value 100", "value 100"]
    assert texts(gate, after) == ["value 100", "value 180"]
    assert counts(gate) == (0, 2, 3)


def test_a_picture_that_moves_beside_the_text_costs_a_glance() -> None:
    steps = Steps()
    steps.places = [corners(16, 16, 96, 32)]
    gate = OcrGate(steps)
    for level in range(70, 120, 10):
        image = plain()
        image[48:] = level
        assert texts(gate, image) == ["value 100"]

    assert counts(gate) == (4, 1, 1)


def test_a_thing_that_was_taken_for_text_may_move() -> None:
    class Rejecting(Steps):
        def start_reading(self, image: np.ndarray, corners: Corners) -> Callable[[], TextBox | None]:
            return lambda: None if image[int(corners[0][1]), int(corners[0][0]), 0] == 160 else TextBox("a", 1, corners)

    steps = Rejecting()
    gate = OcrGate(steps)
    for left in range(16, 40, 4):
        image = plain()
        image[16:64, left : left + 64] = 160
        steps.places = [corners(left, 16, left + 64, 64)]
        assert texts(gate, image) == []
    assert gate.counts.searches == 1

    image[32:48, 40:80] = 240
    steps.places = [corners(left, 16, left + 64, 64), corners(40, 32, 80, 48)]
    assert texts(gate, image) == ["a"]


def test_text_that_appears_grows_or_goes_is_noticed_at_once() -> None:
    steps = Steps()
    gate = OcrGate(steps)
    assert texts(gate, plain()) == []
    one, two = plain(), plain()
    one[16:32, 16:64] = 200
    two[16:32, 16:96] = 200
    steps.places = [corners(16, 16, 64, 32)]
    assert texts(gate, one) == ["value 200"]
    steps.places = [corners(16, 16, 96, 32)]
    assert texts(gate, two) == ["value 200"]
    assert counts(gate) == (1, 3, 2)  # it grew into the known line's last block: no glance is needed
    steps.places = []
    assert texts(gate, plain()) == []


def test_small_text_that_a_glance_misses_comes_late_but_comes() -> None:
    steps = Steps()
    gate = OcrGate(steps)
    texts(gate, plain(70))
    steps.small = [corners(16, 16, 64, 24)]
    seen = []
    for number in range(LOOK_AGAIN_AFTER):
        image = plain(64 + 20 * (number % 2))
        image[16:24, 16:64] = 255
        seen.append(texts(gate, image))

    assert seen == [[]] * (LOOK_AGAIN_AFTER - 1) + [["value 255"]]


def test_after_a_cut_small_text_is_found_at_once() -> None:
    steps = Steps()
    gate = OcrGate(steps)
    texts(gate, plain(20))
    steps.small = [corners(16, 16, 64, 24)]

    assert texts(gate, plain(220)) == ["value 220"]
    assert gate.counts.glances == 0


def test_colours_tell_a_cut_from_a_movement() -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, :60] = (250, 30, 30)
    moved, other = np.roll(image, 40, axis=1), image.copy()
    other[:, 60:] = (30, 30, 250)

    assert colours(image).sum() == pytest.approx(1)
    assert not is_cut(colours(image), colours(moved))
    assert is_cut(colours(image), colours(other))


def test_frames_of_another_size_start_anew() -> None:
    steps = Steps()
    gate = OcrGate(steps)
    texts(gate, plain())
    texts(gate, plain()[:48])

    assert gate.counts.searches == 2


def test_slow_fades_add_up() -> None:
    gate = OcrGate(Steps())
    for level in range(100, 130, 3):
        texts(gate, plain(level))

    assert gate.counts.glances == 3


@pytest.mark.parametrize("shape", [(64, 64), (61, 83), (8, 8), (5, 3)])
def test_changed_blocks_match_a_loop(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    one = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    other = np.clip(one + rng.integers(-16, 17, one.shape), 0, 255).astype(np.uint8)
    found = changed_blocks(one, other)

    for row in range(-(-shape[0] // 8)):
        for column in range(-(-shape[1] // 8)):
            block = np.s_[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            mean = np.abs(one[block].astype(int) - other[block].astype(int)).mean(axis=(0, 1)).max()
            if abs(mean - 8.5) > 0.51:  # Pillow rounds the mean to a whole level
                assert found[row, column] == (mean > 8.5)


def test_places() -> None:
    assert rectangle(corners(-3, 2.5, 10.2, 9), height=8, width=12) == (0, 2, 11, 8)
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 4, 4), (4, 4, 8, 8)) == 0
    blocks = np.zeros((4, 4), bool)
    blocks[1, 1] = True
    assert touches(blocks, (8, 8, 16, 16))
    assert not touches(blocks, (16, 16, 24, 24))
    assert moves_around(blocks, (16, 16, 24, 24))
    assert not moves_around(blocks, (8, 8, 16, 16))


def over_moving_picture(line: str, shift: int, render) -> np.ndarray:
    """A boxed line over a picture that moves."""
    rng = np.random.default_rng(8)
    picture = Image.fromarray(rng.integers(0, 255, (30, 60, 3), dtype=np.uint8)).resize((1200, 600))
    image = np.asarray(picture)[shift : shift + 360, 2 * shift : 2 * shift + 640].copy()
    image[290:330, 30:500] = render({(40, 296): line}, pixels=22)[290:330, 30:500]
    return image


def test_a_line_is_known_again_over_a_moving_picture_and_another_digit_is_not(render) -> None:
    place = (36, 294, 420, 326)
    was = line_picture(over_moving_picture("Score 15:37 at gate C9", 0, render), place)

    assert was.is_same(line_picture(over_moving_picture("Score 15:37 at gate C9", 40, render), place))
    assert not was.is_same(line_picture(over_moving_picture("Score 15:31 at gate C9", 40, render), place))


def test_with_the_real_reader_a_moving_picture_is_read_as_if_every_frame_were(render) -> None:
    pytest.importorskip("rapidocr")
    engine = RapidOcr(max_side=480)
    lines = ["Score 0:0"] * 4 + ["Score 0:1"] * 3

    class Now:
        glance, find = staticmethod(engine.glance), staticmethod(engine.find)

        @staticmethod
        def start_reading(image: np.ndarray, corners: Corners) -> Callable[[], TextBox | None]:
            read = engine.read_line(image, corners)
            return lambda: read

    gate = OcrGate(Now())
    frames = [over_moving_picture(line, 6 * number, render) for number, line in enumerate(lines)]

    assert [texts(gate, frame) for frame in frames] == [[line] for line in lines]
    assert gate.counts.searches < len(frames)
    assert [[box.text for box in engine.read(frame)] for frame in frames[3:5]] == [["Score 0:0"], ["Score 0:1"]]
