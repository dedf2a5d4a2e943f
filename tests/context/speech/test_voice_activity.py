"""Speech is found in noise and music, cut within bounds, and nothing said is left out."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from clamr_select.context.speech.recognizer import MAX_STRETCH_SECONDS, SAMPLE_RATE
from clamr_select.context.speech.voice_activity import Stretch, VoiceDetector, speech_stretches
from clamr_select.errors import MissingDependencyError

pytest.importorskip("silero_vad")


class Scripted(VoiceDetector):
    """Says that there is speech where the sound is loud; the network has tests of its own."""

    def __init__(self) -> None:
        pass

    def probabilities(self, samples: np.ndarray) -> np.ndarray:
        return np.abs(samples.reshape(-1, 512)).mean(axis=1)


def chunks(
    sound: np.ndarray, *, seconds: float = 30.0, start_seconds: float = 0.0
) -> Iterator[tuple[float, np.ndarray]]:
    step = round(seconds * SAMPLE_RATE)
    for first in range(0, len(sound), step):
        yield start_seconds + first / SAMPLE_RATE, sound[first : first + step]


def loud(*pieces: tuple[float, float], seconds: float) -> np.ndarray:
    sound = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    for first, last in pieces:
        sound[round(first * SAMPLE_RATE) : round(last * SAMPLE_RATE)] = 1.0
    return sound


def spans(stretches: list[Stretch]) -> list[tuple[float, float]]:
    return [(s.start_seconds, s.start_seconds + len(s.samples) / SAMPLE_RATE) for s in stretches]


def test_speech_is_found_with_its_padding_and_near_pieces_are_heard_together() -> None:
    sound = loud((1, 2), (3, 4), (10, 12), seconds=20)
    found = list(speech_stretches(chunks(sound, start_seconds=5.0), detector=Scripted()))

    assert spans(found) == [pytest.approx((5.78, 9.22), abs=0.05), pytest.approx((14.78, 17.22), abs=0.05)]
    first = round((found[0].start_seconds - 5) * SAMPLE_RATE)
    assert np.array_equal(found[0].samples, sound[first : first + len(found[0].samples)])


@pytest.mark.parametrize("seconds", [1.0, 7.3, 30.0])
def test_what_is_found_does_not_depend_on_the_chunks(seconds: float) -> None:
    rng = np.random.default_rng(4)
    edges = np.sort(rng.uniform(0, 300, 80)).reshape(-1, 2)
    sound = loud(*map(tuple, edges), seconds=300)
    whole = list(speech_stretches([(0.0, sound)], detector=Scripted()))
    cut = list(speech_stretches(chunks(sound, seconds=seconds), detector=Scripted()))

    assert spans(cut) == spans(whole)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(cut, whole, strict=True))


def test_stretches_are_short_do_not_overlap_and_hold_all_speech() -> None:
    rng = np.random.default_rng(6)
    edges = np.cumsum(rng.exponential(6, 60)).reshape(-1, 2)
    sound = loud(*map(tuple, edges), seconds=float(edges[-1, 1]) + 1)
    found = spans(list(speech_stretches(chunks(sound), detector=Scripted())))

    assert all(last - first <= MAX_STRETCH_SECONDS for first, last in found)
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(found))
    for first, last in edges:
        middles = np.arange(first + 0.1, last - 0.1, 0.1) if last - first > 0.4 else []
        assert all(any(a <= t <= b for a, b in found) for t in middles)


def test_a_speech_without_a_pause_is_cut() -> None:
    found = list(speech_stretches(chunks(loud((0, 100), seconds=100)), detector=Scripted()))

    assert len(found) >= 4
    assert sum(len(s.samples) for s in found) == pytest.approx(100 * SAMPLE_RATE, rel=0.01)


def test_silence_gives_nothing() -> None:
    assert list(speech_stretches(chunks(np.zeros(SAMPLE_RATE * 3, np.float32)), detector=VoiceDetector())) == []
    assert list(speech_stretches([], detector=VoiceDetector())) == []


def test_memory_does_not_grow_with_the_track() -> None:
    def track(minutes: int) -> int:
        parts = ((30.0 * n, loud((2, 9), (12, 29.9), seconds=30)) for n in range(2 * minutes))
        tracemalloc.start()
        for _ in speech_stretches(parts, detector=Scripted()):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert track(20) < 1.3 * track(4)


def test_the_network_hears_a_voice_in_noise_and_none_in_a_chord(say) -> None:
    rng = np.random.default_rng(2)
    seconds = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(0.2 * np.sin(2 * np.pi * hertz * seconds) for hertz in (220, 277, 330)).astype(np.float32)
    said = say("The keeper lit the lamp before the evening ferry.")
    sound = np.concatenate([chord, said, chord])
    sound = (sound + 0.003 * rng.standard_normal(len(sound))).astype(np.float32)
    (found,) = spans(list(speech_stretches(chunks(sound), detector=VoiceDetector())))

    assert found == pytest.approx((4.0, 4.0 + len(said) / SAMPLE_RATE), abs=0.6)


def test_pieces_give_the_probabilities_of_the_whole(say) -> None:
    said = say("The walrus sleeps.")
    said = said[: len(said) // 512 * 512]
    whole, pieces = VoiceDetector(), VoiceDetector()
    third = len(said) // 512 // 3 * 512
    joined = np.concatenate([pieces.probabilities(part) for part in (said[:third], said[third:])])

    assert whole.probabilities(said) == pytest.approx(joined, abs=1e-5)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(MissingDependencyError, match="silero-vad"):
        VoiceDetector()
