"""Words for speech, on-screen text and metadata: a word list, pseudo-words and numbers, split by hash."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Literal, TypeVar, get_args

import numpy as np

from clamr_select.errors import unknown_name
from clamr_select.eval.needle.synonyms import NAMES

Split = Literal["train", "validation", "test"]
Item = TypeVar("Item")

# Words that templates and scenes use themselves; as content words they would blur what a question is about.
_RESERVED_TEXT = """
about above across after again against all along aloud also and any anything appear are around arrow azure
back background because become been before being below beneath beside between big black blue bottom box but
came camera can canonical caption card circle clip come commentary could course credit crimson cross day
describe description dialogue diamond did digit disc disk donut dot down each eight emerald end ever every
everyone everything explain far few figure film find first five footage for four frame from front full
further furthermore goes golden gone got gradient gray green grey had hand has have hear heard heart her
here hexagon him his hole hollow hoop how however huge image index instant into its ivory jet just keep kind
label large last learn left less lesson let light like little locate look many mean mention middle moment
more most movie much near need never new next nine nobody not nothing now off often old once one only orange
other our out over own part phrase picture pink place plain plus point polka pop print purple rather read
red right ring rose round said same saw say scarlet scene screen search see seem seen segment seven shape
she short should show shown side sign since single six size slide small solid some someone something soon
speak speech spoken square star still strip stripe subject such summary tag take talk tangerine tell ten
text texture than that the their them then there these they thing think this those though three through time
tiny title today together told too top topic tour toward triangle turquoise two under until upon upper use
used using utter very video view violet visible voice was way week well went were what when where which
while white who whose why will with without word work would write written wrote yellow yes yet you your zero
house cottage tree car automobile fish boat sailboat sail cup mug flower blossom key bar chart graph rise rising
fall falling tall high point upward downward move grow get shrink spin turn rotate sink go
again late later early final appearance second third follow precede
"""
RESERVED = frozenset(_RESERVED_TEXT.split())
_ONSET_TEXT = "b c d f g h j k l m n p r s t v w z br cl dr fl gr kl pl sk st tr th sh ch qu"
_ONSETS = tuple(_ONSET_TEXT.split())
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou", "oo", "ie")
_CODAS = ["", "", "", "n", "r", "l", "s", "m", "t", "x", "nd", "rk", "lt"]


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """One item, uniformly (``Generator.choice`` is ten times slower on short lists)."""
    return items[int(rng.random() * len(items))]


def split_of(word: str) -> Split:
    """The split a word belongs to, by its CRC-32: 80 % train, 10 % validation, 10 % test."""
    bucket = zlib.crc32(word.encode()) % 10
    return "train" if bucket < 8 else "validation" if bucket == 8 else "test"


@lru_cache(maxsize=8)
def load_words(split: Split | None = None) -> tuple[str, ...]:
    """The list's content words of one split, or of all, in alphabetical order.

    Source: SCOWL through Debian's ``wamerican-small`` (notice in NOTICE): lower-case base forms of 3 to 12
    letters; words of the templates (``RESERVED``) and those with synonyms (in every split) are left out.
    """
    if split is not None and split not in get_args(Split):
        raise unknown_name("split", split, get_args(Split))
    text = files(__package__).joinpath("words.txt").read_text(encoding="ascii")
    left_out = RESERVED | frozenset(NAMES)
    return tuple(w for w in text.split() if w not in left_out and (split is None or split_of(w) == split))


def pseudo_word(rng: np.random.Generator, *, split: Split) -> str:
    """A pronounceable word of two or three syllables that belongs to ``split`` and is not on the list."""
    while True:
        syllables = 2 if rng.random() < 0.6 else 3
        word = "".join(pick(rng, _ONSETS) + pick(rng, _VOWELS) for _ in range(syllables)) + pick(rng, _CODAS)
        if split_of(word) == split and word not in _all_words():
            return word


def number_word(rng: np.random.Generator, *, split: Split) -> str:
    """A number of two to four digits that belongs to ``split``."""
    while True:
        word = str(int(rng.integers(10, 10 ** int(rng.integers(2, 5)))))
        if split_of(word) == split:
            return word


def content_word(rng: np.random.Generator, *, split: Split, pseudo_share: float = 0.25) -> str:
    """A word of the list, a pseudo-word (``pseudo_share``), a word with a synonym or (one in twenty) a number."""
    draw = float(rng.random())
    if draw < pseudo_share:
        return pseudo_word(rng, split=split)
    if draw < pseudo_share + 0.05:
        return number_word(rng, split=split)
    if draw < pseudo_share + 0.2:
        return pick(rng, NAMES)
    return pick(rng, load_words(split))


def inflect(word: str, rng: np.random.Generator) -> str:
    """The plural or (one time in four) the -ing or -ed form by the regular rules of English spelling.

    Numbers and phrases stay as they are.
    """
    if not word.isalpha():
        return word
    draw = float(rng.random())
    if draw < 0.75:
        return plural(word)
    return _verb_stem(word) + ("ing" if draw < 0.88 else "ed")


def plural(word: str) -> str:
    """The regular plural: ``city`` → ``cities``, ``box`` → ``boxes``."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


def forms(word: str) -> frozenset[str]:
    """The word and all that ``inflect`` makes of it."""
    if not word.isalpha():
        return frozenset((word,))
    stem = _verb_stem(word)
    return frozenset((word, plural(word), stem + "ing", stem + "ed"))


def _verb_stem(word: str) -> str:
    if word.endswith("e") and not word.endswith(("ee", "oe", "ye")):
        return word[:-1]
    short = len(word) == 3 and word[0] not in "aeiou" and word[1] in "aeiou" and word[2] not in "aeiouwxy"
    return word + word[-1] if short else word


@lru_cache(maxsize=1)
def _all_words() -> frozenset[str]:
    return frozenset(load_words(None)) | RESERVED | frozenset(NAMES)
