"""The baseline that reads and does not look: BM25 over the words of each candidate."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import numpy as np

from clamr_select.errors import InputError, missing_dependency


def bm25_scores(candidate_texts: Sequence[str], *, question: str) -> np.ndarray:
    """Okapi BM25 (k1 1.5, b 0.75) of ``question`` against each candidate's words (subtitles and on-screen text).

    English stop words are left out, lower-cased words are compared whole.

    Returns:
        (len(candidate_texts),) float32, 0 where no word is shared.

    Raises:
        InputError: there is no candidate.
        MissingDependencyError: bm25s is not installed.
    """
    try:
        import bm25s
    except ImportError as error:
        raise missing_dependency("bm25s", extra="eval", purpose="the BM25 baseline") from error
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    if not candidate_texts:
        raise InputError("BM25 needs at least one candidate, got none")
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every index built, at DEBUG, whatever the root level
    stop_words = frozenset(STOPWORDS_EN_PLUS)
    corpus = [_words(text, stop_words) for text in candidate_texts]
    known = {word for words in corpus for word in words}
    asked = [word for word in _words(question, stop_words) if word in known]
    if not asked:
        return np.zeros(len(corpus), dtype=np.float32)
    index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    index.index(corpus, show_progress=False)
    return np.asarray(index.get_scores(asked), dtype=np.float32)


def _words(text: str, stop_words: frozenset[str]) -> list[str]:
    return [word for word in re.findall(r"\w+", text.lower()) if word not in stop_words]
