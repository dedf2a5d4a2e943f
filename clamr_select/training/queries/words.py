"""Text as words, for comparing queries with each other and with what they were made from."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\uac00-\ud7af]")
"""Scripts written without spaces between words: each character counts as one."""


def words_of(text: str) -> list[str]:
    """Lower-cased words without punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_UNSPACED.sub(lambda match: f" {match.group()} ", folded))


def longest_shared_run(one: list[str], other: list[str]) -> int:
    """Words of the longest run that stands in both."""
    longest = 0
    ends = [0] * (len(other) + 1)  # length of the common run that ends at each word of ``other``
    for word in one:
        previous = 0
        for position, candidate in enumerate(other, start=1):
            current = ends[position]
            ends[position] = previous + 1 if word == candidate else 0
            longest = max(longest, ends[position])
            previous = current
    return longest


def contains_run(words: list[str], run: list[str]) -> bool:
    """Whether all of ``run`` stands in ``words``, in a row."""
    return bool(run) and any(words[i : i + len(run)] == run for i in range(len(words) - len(run) + 1))
