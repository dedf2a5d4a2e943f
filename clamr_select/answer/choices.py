"""Multiple choice: options with letters in the prompt, and a strict reading of the model's reply.

A reply counts as a choice only in a form that can mean nothing else. "A man opens the door" starts with a letter
that is also an option; to read it as a choice would give a model that did not follow the format a share of right
answers by chance. Such a reply is unparsed: ``None``, counted apart, never guessed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from clamr_select.errors import InputError

MAX_OPTIONS = len(string.ascii_uppercase)
INSTRUCTION = "Answer with the letter of the right option and nothing else."

MARK = r"(?:\(\s*(?P<round>{letter})\s*\)|\[\s*(?P<square>{letter})\s*\]|(?P<bare>{letter})(?!\w)\s*[.):]?)[.,:]?"
LETTER = re.compile("[A-Z]")
LEAD = (
    r"(?:(?:so|thus|therefore|hence),?\s+)?(?:(?:the|my)\s+)?(?:(?:final|correct|right|best)\s+)?"
    r"(?:(?:answer|choice|option)(?:\s+is\s*:?|\s*:)\s*(?:option\s+)?|option\s+)"
)
EMPHASIS = re.compile(r"\*\*|__|`|\$|\\boxed|\\text|[{}]")
QUOTES = "\"'“”‘’"


@dataclass(frozen=True)
class ChoiceTally:
    """What a set of multiple-choice replies came to. Unparsed replies are neither right nor wrong."""

    num_right: int
    num_wrong: int
    num_unparsed: int

    @property
    def accuracy(self) -> float:
        """Right answers among all questions: an unparsed reply earns nothing."""
        return self.num_right / (self.num_right + self.num_wrong + self.num_unparsed)


def option_letters(options: Sequence[str]) -> list[str]:
    """``A``, ``B``, … one for each option.

    Raises:
        InputError: fewer than two options or more than 26, an empty one, or two that read the same.
    """
    if isinstance(options, str) or not 2 <= len(options) <= MAX_OPTIONS:
        raise InputError(f"options must be a list of 2 to {MAX_OPTIONS} texts, got {options!r}")
    folded = [_folded(option) for option in options]
    if not all(folded):
        raise InputError(f"an option is empty: {list(options)!r}")
    if len(set(folded)) < len(folded):
        raise InputError(f"two options read the same: {list(options)!r}")
    return list(string.ascii_uppercase[: len(options)])


def format_options(options: Sequence[str]) -> str:
    """``A. …`` and so on, one a line.

    Raises:
        InputError: as :func:`option_letters`.
    """
    lines = zip(option_letters(options), options, strict=True)
    return "\n".join(f"{letter}. {' '.join(option.split())}" for letter, option in lines)


def parse_choice(reply: str, options: Sequence[str]) -> str | None:
    """The letter of the option that a reply chooses, or None where it does not say so in a form we accept.

    Accepted, as the first or the last line, with capital letters of given options alone: ``B``, ``B.``, ``B)``,
    ``(B)``, ``[B]``, ``**B**``, ``B. its text``, ``Option B``, ``Answer: B``, ``The answer is (B) its text``, and
    an option's text verbatim but for case, white space, quotes and a final full stop. Lines that choose
    differently leave a reply unparsed, unless the line says ``answer`` and the others do not.

    Raises:
        InputError: as :func:`option_letters`.
    """
    letters = option_letters(options)
    lines = [line for line in (_plain(line) for line in reply.splitlines()) if line]
    read = [_read_line(line, letters=letters, options=options) for line in lines]
    for position in (-1, 0):
        if not read or read[position].letter is None:
            continue
        chosen = read[position]
        rivals = {other.letter for other in read if other.announced or not chosen.announced} - {None}
        if position == 0 and not chosen.announced:
            rivals |= _named(lines[1:], letters=letters)
        return chosen.letter if rivals == {chosen.letter} else None
    return None


def tally_choices(choices: Sequence[str | None], right: Sequence[str]) -> ChoiceTally:
    """Counts parsed choices against the right letters; None counts as unparsed.

    Raises:
        InputError: the two are empty or of different lengths.
    """
    if not choices or len(choices) != len(right):
        raise InputError(f"choices and right must be of one length, at least 1, got {len(choices)} and {len(right)}")
    strangers = [choice for choice in (*choices, *right) if choice is not None and not LETTER.fullmatch(choice)]
    if strangers or None in right:
        raise InputError(f"choices are letters A to Z, or None where unparsed (Answer.choice); got {strangers[:3]}")
    num_right = sum(choice == letter for choice, letter in zip(choices, right, strict=True))
    num_unparsed = sum(choice is None for choice in choices)
    return ChoiceTally(num_right, len(choices) - num_right - num_unparsed, num_unparsed)


@dataclass(frozen=True)
class _Line:
    letter: str | None
    announced: bool
    """It says that an answer follows, as in ``Answer: B``."""


def _read_line(line: str, *, letters: Sequence[str], options: Sequence[str]) -> _Line:
    lead = re.match(LEAD, line, flags=re.IGNORECASE)
    rest = line[lead.end() :] if lead else line
    readings = {_marked(rest, letters=letters, options=options), _verbatim(rest, letters=letters, options=options)}
    readings -= {None}
    # two where an option's text is the letter of another
    return _Line(readings.pop() if len(readings) == 1 else None, announced=lead is not None)


def _verbatim(text: str, *, letters: Sequence[str], options: Sequence[str]) -> str | None:
    by_text = {_folded(option): letter for letter, option in zip(letters, options, strict=True)}
    return by_text.get(_folded(text))


def _marked(text: str, *, letters: Sequence[str], options: Sequence[str]) -> str | None:
    """The letter at the start, where nothing follows it but its own option."""
    match = re.match(MARK.format(letter=f"[{letters[0]}-{letters[-1]}]"), text)
    if match is None:
        return None
    letter = match["round"] or match["square"] or match["bare"]
    rest = text[match.end() :]
    return letter if not _folded(rest) or _verbatim(rest, letters=letters, options=options) == letter else None


def _named(lines: Sequence[str], *, letters: Sequence[str]) -> set[str | None]:
    """Letters that stand alone in later lines, as in ``Actually, B``; the article of ``A walrus sings`` does not."""
    pattern = rf"(?<![A-Za-z])([{letters[0]}-{letters[-1]}])(?=\s*(?:[.,;:!?)\]]|$))"
    return {letter for line in lines for letter in re.findall(pattern, line)}


def _plain(line: str) -> str:
    return EMPHASIS.sub("", line).strip()


def _folded(text: str) -> str:
    return " ".join(text.split()).strip(QUOTES + " ").rstrip(".").rstrip(QUOTES + " ").casefold()
