"""Words to lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.context.speech.lines import MAX_LINE_LETTERS, MAX_LINE_SECONDS, spoken_lines
from clamr_select.context.timed_text import TimedWord


def words(*timed: tuple[str, float, float]) -> list[TimedWord]:
    return [TimedWord(start, end, text, 0.5) for text, start, end in timed]


def test_lines_end_with_sentences_and_pauses_and_are_as_long_as_their_words() -> None:
    lines = spoken_lines(
        words((" Hello", 1.0, 1.4), (" there.", 1.4, 2.0), (" Look", 2.1, 2.5), (" here", 3.1, 3.4), (" now", 3.5, 3.8))
    )

    assert [(line.text, line.start_seconds, line.end_seconds) for line in lines] == [
        ("Hello there.", 1.0, 2.0),
        ("Look", 2.1, 2.5),
        ("here now", 3.1, 3.8),
    ]
    assert [len(line.words) for line in lines] == [2, 1, 2]
    assert lines[0].confidence == pytest.approx(0.5)


def test_a_language_without_spaces() -> None:
    (line,) = spoken_lines(words(("你", 0, 0.2), ("好", 0.2, 0.4)))

    assert line.text == "你好"


def test_nothing_said() -> None:
    assert spoken_lines([]) == ()


WORD = st.tuples(
    st.floats(0, 1), st.floats(0, 2), st.sampled_from([" a", " word.", " longer", " supercalifragilistic"])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORD, max_size=60))
def test_no_word_is_lost_and_no_line_too_long(spaced: list[tuple[float, float, str]]) -> None:
    at, given_words = 0.0, []
    for pause, length, text in spaced:
        given_words.append(TimedWord(at + pause, at + pause + length, text))
        at += pause + length
    lines = spoken_lines(given_words)

    assert [word for line in lines for word in line.words] == given_words
    for line in lines:
        assert len(line.words) == 1 or line.end_seconds - line.start_seconds <= MAX_LINE_SECONDS
        assert len(line.text) <= MAX_LINE_LETTERS
