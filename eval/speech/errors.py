"""Word error rate, and how far off the times of the right words are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from clamr_select.context.timed_text import TimedWord
from clamr_select.eval.alignment import align


@dataclass
class SpeechErrors:
    """Added up over recordings."""

    num_words: int = 0
    num_wrong: int = 0
    seconds_off: list[float] = field(default_factory=list)
    """Of the start of each word that was recognised rightly and whose time is known."""

    def add(
        self, reference: str, heard: Sequence[TimedWord], *, starts_seconds: Iterable[float | None] | None = None
    ) -> None:
        """Compare one recording.

        Args:
            starts_seconds: when each word of the reference (split at spaces) begins, where that is known.
        """
        said, recognised = normalised(reference), [_plain(word.text) for word in heard]
        starts = list(starts_seconds) if starts_seconds is not None else [None] * len(said)
        for a, b in align(said, recognised):
            right = a is not None and b is not None and said[a] == recognised[b]
            self.num_wrong += not right
            if right and a is not None and b is not None and (start := starts[a]) is not None:
                self.seconds_off.append(abs(heard[b].start_seconds - start))
        self.num_words += len(said)

    @property
    def word_error_rate(self) -> float:
        return self.num_wrong / self.num_words

    def __str__(self) -> str:
        text = f"word error rate {self.word_error_rate:.2f} of {self.num_words} words"
        if self.seconds_off:
            median, most = np.percentile(self.seconds_off, [50, 90])
            text += f"; word starts off by {median:.2f} s (median), {most:.2f} s (90 %) of {len(self.seconds_off)}"
        return text


def normalised(text: str) -> list[str]:
    """Words as they are compared: lower case, letters, digits and inner apostrophes."""
    return [_plain(word) for word in text.split() if _plain(word)]


def _plain(word: str) -> str:
    return re.sub(r"[^\w']", "", word.lower()).strip("'_")
