"""Ten sentences read by flite, with the time at which each word begins."""

from __future__ import annotations

import shutil
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.alignment import align

SENTENCES = (
    "A red boat waits at the harbor.",
    "Mix the flour and sugar, then bake the bread for twenty minutes.",
    "The home team scored three goals and won the game.",
    "The doctor tested the water and found that it was clean.",
    "Passengers for the evening flight should go to the gate now.",
    "The museum opens at nine o'clock every morning except Monday.",
    "She planted apple trees behind the old stone house.",
    "The river was so high that the bridge had to be closed.",
    "Two students built a small machine that sorts the mail.",
    "After the storm the farmers repaired the roof of the barn.",
)
VOICES = ("slt", "kal16")
SAMPLE_RATE = 16_000
PAUSE = "pau"


@dataclass(frozen=True)
class Narration:
    """One sentence in one voice."""

    text: str
    samples: np.ndarray
    """(num_samples,) float32 at 16 kHz."""
    starts_seconds: tuple[float | None, ...]
    """Of each word of the text; None where its sounds were not found among the sentence's."""


def narrate(text: str, *, voice: str, directory: Path) -> Narration:
    """Let flite read a sentence.

    Raises:
        InputError: flite is not installed.
    """
    path = directory / "narration.wav"
    _flite("-voice", voice, "-t", text, "-o", str(path))
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return Narration(text, pcm.astype(np.float32) / 32_768, _word_starts(text, voice=voice))


def _word_starts(text: str, *, voice: str) -> tuple[float | None, ...]:
    """The sounds of each word alone, laid beside the sounds of the sentence, whose times flite tells."""
    timed = [item.split(":") for item in _flite("-voice", voice, "-psdur", "-t", text, "-o", "none").split()]
    said = [sound for sound, _ in timed if sound != PAUSE]
    begins = [0.0, *(float(end) for _, end in timed[:-1])]
    starts = [begin for begin, (sound, _) in zip(begins, timed, strict=True) if sound != PAUSE]
    alone: list[str] = []
    first_of_word = []
    for word in text.split():
        first_of_word.append(len(alone))
        sounds = _flite("-voice", voice, "-ps", "-t", word, "-o", "none").split()
        alone += [sound for sound in sounds if sound != PAUSE]
    place = {a: b for a, b in align(alone, said) if a is not None and b is not None}
    return tuple(starts[place[first]] if first in place else None for first in first_of_word)


def _flite(*arguments: str) -> str:
    if shutil.which("flite") is None:
        raise InputError("flite is not installed; run: apt-get install flite")
    return subprocess.run(["flite", *arguments], check=True, capture_output=True, text=True).stdout
