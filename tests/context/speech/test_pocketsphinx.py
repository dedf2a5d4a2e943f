"""The real PocketSphinx on narration made by flite."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from clamr_select.errors import InputError, MissingDependencyError

SENTENCE = "The home team scored three goals and won the game."


@pytest.fixture(scope="module")
def recognizer():
    pytest.importorskip("pocketsphinx")
    from clamr_select.context.speech.pocketsphinx_engine import PocketsphinxRecognizer

    return PocketsphinxRecognizer()


def test_words_and_their_times(recognizer, say) -> None:
    silence = np.zeros(16_000, np.float32)
    said = say(SENTENCE)
    (heard,) = recognizer.hear([np.concatenate([silence, said, silence])])
    texts = [word.text.strip() for word in heard.words]

    assert {"team", "three", "goals", "game"} <= set(texts)
    assert heard.language == "en"
    assert 0.9 < heard.words[0].start_seconds < 1.4
    assert heard.words[-1].end_seconds == pytest.approx(1 + len(said) / 16_000, abs=0.4)
    assert all(a.end_seconds <= b.start_seconds + 0.011 for a, b in zip(heard.words, heard.words[1:], strict=False))
    assert all(0 <= word.confidence <= 1 and word.text.startswith(" ") for word in heard.words)


def test_what_was_heard_before_changes_nothing(recognizer, say) -> None:
    one, other = say(SENTENCE), 0.2 * say("Mix the flour and sugar.", voice="kal16")
    first = recognizer.hear([one])
    recognizer.hear([other, other, other])

    assert recognizer.hear([one]) == first
    assert recognizer.hear([other, one])[1] == first[0]


def test_silence_and_scraps(recognizer) -> None:
    (silent, scrap, none) = recognizer.hear(
        [np.zeros(16_000, np.float32), np.zeros(50, np.float32), np.zeros(0, np.float32)]
    )

    assert scrap.words == none.words == ()
    assert len(silent.words) <= 1


def test_it_says_that_its_quality_is_low(recognizer) -> None:
    assert [code for code, _ in recognizer.warnings] == ["asr_low_quality"]
    assert "pocketsphinx" in recognizer.source


def test_other_languages() -> None:
    pytest.importorskip("pocketsphinx")
    from clamr_select.context.speech.pocketsphinx_engine import PocketsphinxRecognizer

    with pytest.raises(InputError, match="English"):
        PocketsphinxRecognizer(language="de")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from clamr_select.context.speech.pocketsphinx_engine import PocketsphinxRecognizer

    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(MissingDependencyError, match="asr-offline"):
        PocketsphinxRecognizer()
