"""Baselines that read and do not look: BM25 over words, and over the character trigrams of words."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np

from clamr_select.errors import InputError, missing_dependency, unknown_name

Terms = Literal["words", "trigrams"]


class Bm25:
    """Okapi BM25 (k1 1.5, b 0.75, Lucene's inverse document frequency) over texts.

    Args:
        texts: one a row, read once.
        terms: ``words``, lower-cased, English stop words left out; or ``trigrams`` of every lower-cased word with its
            ends marked, which forgives a wrong letter.

    Raises:
        InputError: there is no text.
        MissingDependencyError: bm25s is not installed.
        UnknownNameError: ``terms`` is neither.
    """

    def __init__(self, texts: Iterable[str], *, terms: Terms) -> None:
        if terms not in get_args(Terms):
            raise unknown_name("terms", terms, get_args(Terms))
        try:
            import bm25s
        except ImportError as error:
            raise missing_dependency("bm25s", extra="eval", purpose="the BM25 baselines") from error
        from bm25s.stopwords import STOPWORDS_EN_PLUS

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every index at DEBUG, whatever the root level
        self._stop_words = frozenset(STOPWORDS_EN_PLUS) if terms == "words" else frozenset()
        self._split = _words if terms == "words" else _trigrams
        shared: dict[str, str] = {}  # each term once in memory, however often it stands
        corpus = [[shared.setdefault(term, term) for term in self._terms(text)] for text in texts]
        if not corpus:
            raise InputError("BM25 needs at least one text, got none")
        self._known = shared.keys()
        self._num_rows = len(corpus)
        self._index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        if self._known:
            self._index.index(corpus, show_progress=False)

    def scores(self, question: str) -> np.ndarray:
        """(num_texts,) float32, 0 where nothing is shared."""
        asked = [term for term in self._terms(question) if term in self._known]
        if not asked:
            return np.zeros(self._num_rows, dtype=np.float32)
        return np.asarray(self._index.get_scores(asked), dtype=np.float32)

    def _terms(self, text: str) -> list[str]:
        return [term for term in self._split(text.lower()) if term not in self._stop_words]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _trigrams(text: str) -> list[str]:
    marked = (f"^{word}$" for word in _words(text))
    return [word[i : i + 3] for word in marked for i in range(len(word) - 2)]
