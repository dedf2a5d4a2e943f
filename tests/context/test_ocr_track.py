"""Lines of on-screen text followed over candidate frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.context.ocr import TextBox
from clamr_select.context.ocr_track import OcrTracker, line_key
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.errors import InputError


class ScriptedReader:
    """An ``OcrEngine`` that reads a frame's number (its first pixel) and gives the lines written for it."""

    name = "scripted"

    def __init__(self, frames: Sequence[Sequence[tuple[str, float]]]) -> None:
        self.frames = frames
        self.calls = 0

    def read(self, image: np.ndarray) -> list[TextBox]:
        self.calls += 1
        corner = (0.0, 0.0)
        return [TextBox(t, c, (corner, corner, corner, corner)) for t, c in self.frames[image[0, 0, 0]]]


def frame(number: int) -> np.ndarray:
    return np.full((4, 4, 3), number, np.uint8)


def track_of(frames: Sequence[Sequence[tuple[str, float]]], *, step: float = 1.0) -> list[tuple]:
    tracker = OcrTracker(ScriptedReader(frames))
    for number in range(len(frames)):
        tracker.add(frame(number), 10.0 + number * step)
    return [(x.start_seconds, x.end_seconds, x.text, x.confidence) for x in tracker.finish().lines]


def test_a_static_line_is_one_interval_while_another_changes() -> None:
    frames = [
        [("NEWS", 0.9), ("first ticker", 0.9)],
        [("NEWS", 0.9), ("second ticker", 0.9)],
        [("NEWS", 0.9)],
        [],
        [("NEWS", 0.9)],
    ]

    assert track_of(frames) == [
        (10.0, 12.0, "NEWS", 0.9),
        (10.0, 10.0, "first ticker", 0.9),
        (11.0, 11.0, "second ticker", 0.9),
        (14.0, 14.0, "NEWS", 0.9),
    ]


def test_the_most_confident_reading_is_kept_and_a_line_counts_once_a_frame() -> None:
    frames = [[("too late", 0.85), ("OK", 0.9), ("ok", 0.95)], [("Too Late", 0.99)], [("toolate", 0.9)]]

    assert track_of(frames) == [(10.0, 12.0, "Too Late", 0.99), (10.0, 10.0, "ok", 0.95)]


def test_add_returns_what_the_candidate_shows() -> None:
    tracker = OcrTracker(ScriptedReader([[("OK", 0.9), ("Gate C9", 0.99)], [("gate  c9", 0.9), ("OK", 0.95)], []]))

    shown = [tracker.add(frame(number), float(number)) for number in range(3)]

    assert shown == [("OK", "Gate C9"), ("Gate C9", "OK"), ()]


def test_punctuation_tells_lines_apart() -> None:
    assert line_key("Gate  C9") == line_key("gate c 9") == line_key("ＧＡＴＥ C9")
    assert line_key("1.5") != line_key("15")


LINES = st.lists(st.tuples(st.sampled_from(["a", "A", "b b", "bb", "c."]), st.floats(0.8, 1)), max_size=4)


@settings(max_examples=200, deadline=None)
@given(frames=st.lists(LINES, max_size=12))
def test_intervals_match_a_naive_search(frames: list[list[tuple[str, float]]]) -> None:
    """For every key and every maximal run of frames that show it, one line."""
    expected = []
    for key in {line_key(text) for lines in frames for text, _ in lines}:
        shows = [any(line_key(text) == key for text, _ in lines) for lines in frames]
        for first, shown in enumerate(shows):
            if not shown or (first and shows[first - 1]):
                continue
            last = first
            while last + 1 < len(shows) and shows[last + 1]:
                last += 1
            readings = [r for lines in frames[first : last + 1] for r in lines if line_key(r[0]) == key]
            best = max(readings, key=lambda reading: reading[1])
            expected.append((10.0 + first, 10.0 + last, *best))

    found = track_of(frames)

    assert sorted(found) == sorted(expected)
    assert [line[0] for line in found] == sorted(line[0] for line in found)


def test_the_place_of_the_best_reading_is_kept_as_shares_of_the_frame() -> None:
    class Reader:
        name = "places"

        def read(self, image: np.ndarray) -> list[TextBox]:
            confidence, left = (0.9, 10.0) if image[0, 0, 0] == 0 else (0.8, 0.0)
            return [TextBox("a", confidence, ((left, 0.0), (20.0, 0.0), (20.0, 5.0), (left, 5.0)))]

    tracker = OcrTracker(Reader())
    for number in range(2):
        tracker.add(np.full((10, 40, 3), number, np.uint8), float(number))
    track = tracker.finish()

    assert [line.box for line in track.lines] == [((0.25, 0.0), (0.5, 0.0), (0.5, 0.5), (0.25, 0.5))]
    assert (track.modality, track.source, track.warnings) == ("ocr", "places", ())


@pytest.mark.parametrize("seconds", [10.0, 9.0, float("nan"), float("inf")])
def test_candidates_out_of_order(seconds: float) -> None:
    tracker = OcrTracker(ScriptedReader([[], []]))
    tracker.add(frame(0), 10.0)

    with pytest.raises(InputError, match="time order"):
        tracker.add(frame(1), seconds)


def test_finished_is_finished() -> None:
    tracker = OcrTracker(ScriptedReader([[]]))

    assert tracker.finish().lines == ()
    with pytest.raises(InputError, match="finished"):
        tracker.add(frame(0), 1.0)


def test_with_the_real_reader(render) -> None:
    pytest.importorskip("rapidocr")
    tracker = OcrTracker(RapidOcr())
    title = {(20, 30): "Chapter 2: Kitchen"}
    for seconds, caption in enumerate(("Mix the flour", "Mix the flour", "Bake the bread")):
        tracker.add(render({**title, (20, 300): caption}), float(seconds))
    track = tracker.finish()

    assert [(x.start_seconds, x.end_seconds, x.text) for x in track.lines] == [
        (0.0, 2.0, "Chapter 2: Kitchen"),
        (0.0, 1.0, "Mix the flour"),
        (2.0, 2.0, "Bake the bread"),
    ]
