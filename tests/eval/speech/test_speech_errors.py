"""Word errors and times, and the bound that PocketSphinx is held to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from clamr_select.context.timed_text import TimedWord
from clamr_select.errors import InputError
from clamr_select.eval.speech.__main__ import hear, narrations, read_recording
from clamr_select.eval.speech.errors import SpeechErrors, normalised
from clamr_select.eval.speech.narration import narrate

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed (apt-get install flite)")


def test_errors_are_counted_and_times_compared_where_words_are_right() -> None:
    errors = SpeechErrors()
    heard = [
        TimedWord(0.5, 1, " The"),
        TimedWord(1.2, 2, " goat"),
        TimedWord(2.5, 3, " waits"),
        TimedWord(4, 5, " now"),
    ]
    errors.add("The boat waits.", heard, starts_seconds=(0.4, 1.2, None))

    assert (errors.num_words, errors.num_wrong) == (3, 2)
    assert errors.seconds_off == [pytest.approx(0.1)]
    assert "0.67 of 3 words" in str(errors)
    assert normalised("It's  nine o'clock – now!") == ["it's", "nine", "o'clock", "now"]


@needs_flite
def test_flite_tells_when_each_word_begins(tmp_path: Path) -> None:
    told = narrate("A red boat waits at the harbor.", voice="slt", directory=tmp_path)

    assert len(told.starts_seconds) == 7
    assert None not in told.starts_seconds
    assert list(told.starts_seconds) == sorted(told.starts_seconds)
    assert 0.1 < told.starts_seconds[0] < 0.4
    assert told.starts_seconds[-1] < len(told.samples) / 16_000


@needs_flite
@pytest.mark.slow
def test_pocketsphinx_gets_at_least_65_of_100_words_and_their_times() -> None:
    pytest.importorskip("pocketsphinx")
    from clamr_select.context.speech.pocketsphinx_engine import PocketsphinxRecognizer

    recognizer = PocketsphinxRecognizer()
    for recording in narrations():
        errors = SpeechErrors()
        errors.add(recording.reference, hear(recognizer, recording), starts_seconds=recording.starts_seconds)
        assert errors.word_error_rate <= 0.35
        assert sorted(errors.seconds_off)[len(errors.seconds_off) // 2] < 0.1


def test_a_recording_without_sound(color_video: Path) -> None:
    with pytest.raises(InputError, match="no sound"):
        read_recording(color_video, reference="nothing")
