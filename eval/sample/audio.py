"""Sound for the sample: soft chords and a voice-like murmur while a subtitle is up. It is not speech; no
recogniser will find words in it."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE = 16_000
_SCALE_HZ = (130.8, 146.8, 164.8, 174.6, 196.0, 220.0, 233.1, 261.6, 293.7)
_SYLLABLES_PER_SECOND = 4.2


def shot_sound(*, num_samples: int, chapter: int, speaks: bool, seed: int) -> np.ndarray:
    """The sound of one shot: (num_samples,) float32 within -1..1, the same for the same arguments."""
    rng = np.random.default_rng(seed)
    sound = _chord(num_samples, chapter, rng)
    if speaks:
        sound += _murmur(num_samples, rng)
    fade = min(num_samples // 2, SAMPLE_RATE // 20)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound[:fade] *= ramp
    sound[num_samples - fade :] *= ramp[::-1]
    return np.clip(sound, -1, 1)


def _chord(num_samples: int, chapter: int, rng: np.random.Generator) -> np.ndarray:
    """Three soft notes of the chapter's key, swelling slowly."""
    seconds = np.arange(num_samples, dtype=np.float32) / SAMPLE_RATE
    root = _SCALE_HZ[chapter % len(_SCALE_HZ)]
    third = 1.25 if rng.random() < 0.5 else 1.2
    sound = sum(np.sin(2 * np.pi * np.float32(root * ratio) * seconds) for ratio in (1.0, third, 1.5))
    return (0.035 * sound * (0.7 + 0.3 * np.sin(2 * np.pi * np.float32(0.15) * seconds))).astype(np.float32)


def _murmur(num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Syllables of a hummed voice: harmonics under two vowel-like formants, with a falling pitch."""
    sound = np.zeros(num_samples, dtype=np.float32)
    margin = SAMPLE_RATE // 5
    at, length = margin, int(SAMPLE_RATE / _SYLLABLES_PER_SECOND)
    while at + length < num_samples - margin:
        if rng.random() < 0.85:  # else a pause
            progress = at / num_samples
            sound[at : at + length] += _syllable(length, 128 - 24 * progress + 8 * float(rng.normal()), rng)
        at += int(length * rng.uniform(0.8, 1.15))
    return sound


def _syllable(length: int, pitch_hz: float, rng: np.random.Generator) -> np.ndarray:
    seconds = np.arange(length, dtype=np.float32) / SAMPLE_RATE
    formants = ((float(rng.uniform(300, 750)), 90.0, 1.0), (float(rng.uniform(900, 2000)), 140.0, 0.45))
    sound = np.zeros(length, dtype=np.float32)
    for harmonic in range(1, 17):
        frequency = harmonic * pitch_hz
        weight = sum(gain / (1 + ((frequency - centre) / width) ** 2) for centre, width, gain in formants)
        if weight > 0.02:
            sound += np.float32(weight) * np.sin(2 * np.pi * np.float32(frequency) * seconds)
    envelope = np.sin(np.pi * np.linspace(0, 1, length, dtype=np.float32)) ** 2
    return (0.09 * sound * envelope).astype(np.float32)
