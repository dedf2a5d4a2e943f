"""Which candidates a line belongs to, and how windows carry lines that run on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clamr_select.context.timed_text import TimedText
from clamr_select.indexing.alignment import candidate_range, lost_words, words_by_candidate
from clamr_select.indexing.windows import window_document

TIMES = np.array([0.0, 1.0, 2.0, 3.0, 10.0])


def line(start: float, end: float, text: str = "x") -> TimedText:
    return TimedText(start, end, text)


def test_a_line_belongs_to_the_candidates_shown_while_it_is_heard():
    assert candidate_range(line(0.5, 2.5), timestamps_seconds=TIMES) == (1, 2)
    assert candidate_range(line(1.0, 1.0), timestamps_seconds=TIMES) == (1, 1)


def test_a_line_between_two_candidates_belongs_to_the_nearest():
    assert candidate_range(line(3.5, 5.0), timestamps_seconds=TIMES) == (3, 3)
    assert candidate_range(line(8.0, 9.5), timestamps_seconds=TIMES) == (4, 4)
    assert candidate_range(line(40.0, 41.0), timestamps_seconds=TIMES) == (4, 4)


@given(start=st.floats(-5, 15), length=st.floats(0, 8))
def test_against_a_naive_loop(start, length):
    cue = line(start, start + length)
    inside = [i for i, t in enumerate(TIMES) if cue.start_seconds <= t <= cue.end_seconds]
    first, last = candidate_range(cue, timestamps_seconds=TIMES)
    if inside:
        assert (first, last) == (inside[0], inside[-1])
    else:
        assert first == last


def test_words_by_candidate():
    lines = (line(0.0, 1.2, "a"), line(1.0, 2.0, "b"))
    assert words_by_candidate(lines, timestamps_seconds=TIMES) == [["a"], ["a", "b"], ["b"], [], []]


@pytest.mark.parametrize(
    ("undecodable", "num_lost"), [((), 0), ((0,), 0), ((1, 2), 1), ((0, 1, 2), 2), ((0, 1, 2, 3, 4), 3)]
)
def test_lines_at_no_frame_that_can_be_decoded_are_counted(undecodable: tuple[int, ...], num_lost: int):
    words = {"asr": [["a"], ["a", "b"], ["b"], [], []], "description": [[], [], [], [], ["The end"]]}
    decoded = np.array([at not in undecodable for at in range(5)])
    told = [("words_lost", f"lines left out because no frame at their time can be decoded: {num_lost}")]
    assert lost_words(words, decoded=decoded) == (told if num_lost else [])


def test_a_line_that_runs_on_is_one_segment_and_one_that_returns_is_two():
    frames = [np.zeros((8, 8, 3), np.uint8)] * 4
    words = {"ocr": [["title"], ["title", "sub"], ["sub"], ["title"]], "asr": [[], [], [], []]}
    document = window_document(frames, words=words, description="about")
    found = [(s.modality, s.text, s.first_candidate, s.last_candidate) for s in document.texts]
    assert found == [
        ("ocr", "title", 0, 1),
        ("ocr", "sub", 1, 2),
        ("ocr", "title", 3, 3),
        ("description", "about", None, None),
    ]
