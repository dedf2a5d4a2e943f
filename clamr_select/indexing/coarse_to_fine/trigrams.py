"""Which candidates' words are like a question's: BM25 over the character trigrams of words. Costs no encoding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

K1, B = 1.5, 0.75
"""As usual for Okapi BM25 (Robertson and Zaragoza 2009)."""


class TrigramIndex:
    """Okapi BM25 with Lucene's inverse document frequency, ``log(1 + (N - n + 0.5) / (n + 0.5))``, over texts.

    Trigrams of every lower-cased word with its ends marked, so that a wrong letter costs a part of a word.

    Args:
        texts: one a row; empty ones are rows too, and score 0.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.num_texts = len(texts)
        postings: dict[str, list[tuple[int, int]]] = {}
        lengths = np.zeros(len(texts))
        for row, text in enumerate(texts):
            counts = Counter(trigrams(text))
            lengths[row] = counts.total()
            for term, count in counts.items():
                postings.setdefault(term, []).append((row, count))
        self._postings = {term: np.array(found) for term, found in postings.items()}
        filled = lengths[lengths > 0]
        mean_length = filled.mean() if len(filled) else 1.0
        self._saturation = K1 * (1 - B + B * lengths / mean_length)

    def scores(self, question: str) -> np.ndarray:
        """(num_texts,) float64, 0 where nothing is shared. A trigram of the question counts as often as it is there."""
        scores = np.zeros(self.num_texts)
        for term, times in Counter(trigrams(question)).items():
            found = self._postings.get(term)
            if found is None:
                continue
            rows, counts = found.T
            weight = np.log1p((self.num_texts - len(rows) + 0.5) / (len(rows) + 0.5))
            scores[rows] += times * weight * counts / (counts + self._saturation[rows])
        return scores


def trigrams(text: str) -> list[str]:
    """Of each word: ``dog`` gives ``^do``, ``dog``, ``og$``."""
    marked = (f"^{word}$" for word in re.findall(r"\w+", text.lower()))
    return [word[i : i + 3] for word in marked for i in range(len(word) - 2)]
