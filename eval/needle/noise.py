"""Noise levels: what recognisers make of speech and of text on screen. The truth is never changed."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Literal

import numpy as np

from clamr_select.eval.needle.vocabulary import Split, load_words, pick

Noise = Literal["clean", "realistic"]
"""``clean``: transcripts, on-screen text and pictures as they are. ``realistic``: speech with 20 % word errors,
on-screen text with 5 % character errors, pictures through H.264 at crf 40."""

WORD_ERROR_RATE = 0.20
CHARACTER_ERROR_RATE = 0.05
_SMALL_WORDS = (
    *("a", "an", "and", "are", "as", "at", "but", "by", "for", "had", "has", "he", "her", "his", "i"),
    *("in", "is", "it", "of", "on", "or", "she", "that", "the", "this", "to"),
)
_LOOK_ALIKE = {
    **{"o": "0", "i": "l", "l": "1", "1": "l", "0": "o", "s": "5", "5": "s", "b": "8", "8": "B", "g": "9"},
    **{"q": "g", "z": "2", "e": "c", "c": "e", "m": "rn", "n": "h", "h": "n", "u": "v", "v": "u", "t": "f"},
    **{"f": "t", "r": "n", "a": "o", "d": "cl", "w": "vv", "y": "v", "k": "h", "p": "n", "j": "i", "x": "k"},
}
_SOUNDS = {
    letter: group for group, letters in enumerate(("bpfv", "cgjkqsxz", "dt", "l", "mn", "r")) for letter in letters
}


def mishear(text: str, rng: np.random.Generator, *, split: Split) -> str:
    """Speech with ``WORD_ERROR_RATE`` word errors: 70 % substitutions, 15 % deletions, 15 % insertions.

    Most words are taken for one of ``split`` that sounds alike, some are misspelt, some are another word.
    """
    words = text.split()
    draws = rng.random(len(words)) / WORD_ERROR_RATE
    if draws.min(initial=1.0) >= 1:
        return text
    heard: list[str] = []
    for word, draw in zip(words, draws, strict=True):
        if draw >= 0.85 or draw < 0.7:
            heard.append(word if draw >= 0.7 else _substitute(word, rng, split))
        if 0.85 <= draw < 1:
            heard.append(_another_word(rng, split))
    return " ".join(heard) or words[0]


def misread(text: str, rng: np.random.Generator) -> str:
    """On-screen text with ``CHARACTER_ERROR_RATE`` character errors: 70 % look-alikes, 15 % lost, 15 % doubled."""
    draws = rng.random(len(text)) / CHARACTER_ERROR_RATE
    if draws.min(initial=1.0) >= 1:
        return text
    read: list[str] = []
    for letter, draw in zip(text, draws, strict=True):
        if draw >= 1 or letter == " ":
            read.append(letter)
        elif draw < 0.7:
            read.append(_LOOK_ALIKE.get(letter.lower()) or pick(rng, string.ascii_lowercase))
        elif draw >= 0.85:
            read.append(letter * 2)
    return "".join(read).strip() or text


def change_letter(word: str, rng: np.random.Generator) -> str:
    """One letter after the first exchanged, lost or doubled, as in a typing error."""
    at = 1 + int(rng.random() * (len(word) - 1)) if len(word) > 1 else 0
    draw = float(rng.random())
    if draw < 0.5:
        letters = string.digits if word[at].isdigit() else string.ascii_lowercase
        return word[:at] + pick(rng, letters.replace(word[at].lower(), "")) + word[at + 1 :]
    return word[:at] + word[at + 1 :] if draw < 0.8 and len(word) > 2 else word[:at] + word[at] + word[at:]


def similar_word(word: str, rng: np.random.Generator, *, split: Split) -> str | None:
    """Another word of the split's list that sounds alike; None when there is none."""
    alike = [w for w in _by_sound(split).get(_sound(word), ()) if w != word]
    return pick(rng, alike) if alike else None


def _substitute(word: str, rng: np.random.Generator, split: Split) -> str:
    bare = word.strip(string.punctuation).lower()
    if bare in _SMALL_WORDS:
        return pick(rng, tuple(w for w in _SMALL_WORDS if w != bare))
    draw = float(rng.random())
    if draw < 0.6:
        found = similar_word(bare, rng, split=split)
        if found is not None:
            return found
    return change_letter(change_letter(bare or word, rng), rng) if draw < 0.85 else _another_word(rng, split)


def _another_word(rng: np.random.Generator, split: Split) -> str:
    return pick(rng, _SMALL_WORDS) if rng.random() < 0.5 else pick(rng, load_words(split))


def _sound(word: str) -> tuple[object, ...]:
    """First letter's sound, then the consonants' sounds, repetitions folded, four at most."""
    sounds: list[object] = []
    for letter in word:
        sound = _SOUNDS.get(letter)
        if sound is not None and sound != (sounds[-1] if sounds else None):
            sounds.append(sound)
    return (_SOUNDS.get(word[:1], word[:1]), *sounds[:4])


@lru_cache(maxsize=3)
def _by_sound(split: Split) -> dict[tuple[object, ...], tuple[str, ...]]:
    groups: dict[tuple[object, ...], list[str]] = {}
    for word in load_words(split):
        groups.setdefault(_sound(word), []).append(word)
    return {sound: tuple(words) for sound, words in groups.items()}
