"""What a perfect reader of the same evidence would score: the ceiling at a noise level.

It sees pictures as they are, knows every synonym and form of a word, and finds the words of a question in what the
recognisers gave, misspelt ones by likeness. It does not know what was truly said, so words that were lost or taken
for others are lost to it too.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clamr_select.eval.needle.ordering import After, NextScene, NthTime
from clamr_select.eval.needle.plans import DocumentPlan
from clamr_select.eval.needle.predicates import (
    NO,
    YES,
    Both,
    DescribedBy,
    DocumentFacts,
    FrameFacts,
    HoldsWords,
    HoldsWordsAnywhere,
    Predicate,
    Verdict,
)
from clamr_select.eval.needle.questions import Question
from clamr_select.eval.needle.synonyms import OTHER_NAME
from clamr_select.eval.needle.templates import CANONICAL_NAMES
from clamr_select.eval.needle.vocabulary import forms

_MISSPELT = 0.6  # likeness below which a token is another word
_READ = 0.75  # mean likeness from which a frame counts as holding the words


class Oracle:
    """Reads the transcripts of some documents; scores questions by them."""

    def __init__(self, plans: Sequence[DocumentPlan], facts: Sequence[DocumentFacts]) -> None:
        self._facts = facts
        self._starts = np.cumsum([0, *(len(plan.scenes) for plan in plans)])
        self._tokens: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
        """Token to (modality, first frame, last frame, inclusive), frames counted over all documents; for
        metadata, the document twice."""
        for number, plan in enumerate(plans):
            start = int(self._starts[number])
            for modality, lines in (("asr", plan.asr), ("ocr", plan.ocr if plan.ocr_recognised else ())):
                for line in lines:
                    for token in _split(line.text):
                        self._tokens[token].append((modality, start + line.first, start + line.last))
            for token in _split(plan.description):
                self._tokens[token].append(("description", number, number))
        self._by_bigram: dict[str, list[str]] = defaultdict(list)
        for token in self._tokens:
            for bigram in _bigrams(token):
                self._by_bigram[bigram].append(token)
        self._known: dict[str, dict[str, float]] = {}

    def frame_scores(self, question: Question) -> np.ndarray:
        """(frames of all documents,) float32, 0..1."""
        return self._frames(question.predicate)

    def document_scores(self, question: Question) -> np.ndarray:
        """(num_documents,) float32, 0..1."""
        predicate = question.predicate
        if isinstance(predicate, DescribedBy):
            return self._words(predicate.words, "description", len(self._facts))
        frames = self._frames(predicate)
        return np.maximum.reduceat(frames, self._starts[:-1]).astype(np.float32)

    def _frames(self, predicate: Predicate) -> np.ndarray:
        count = int(self._starts[-1])
        match predicate:
            case HoldsWords():
                return self._words(predicate.words, predicate.modality, count)
            case HoldsWordsAnywhere():
                return np.maximum(
                    self._words(predicate.words, "asr", count), self._words(predicate.words, "ocr", count)
                )
            case Both(HoldsWords() as first, HoldsWords() as second):
                return (self._frames(first) + self._frames(second)) / 2
            case Both(first, second):
                return self._frames(first) * self._frames(second)
            case NthTime() | NextScene() | After() | DescribedBy():
                return self._verdicts(self._with_reading(predicate))
            case _:
                return self._verdicts(predicate)

    def _with_reading(self, predicate: Predicate) -> Predicate:
        """The predicate with what it asks of words replaced by what could be read."""
        match predicate:
            case HoldsWords():
                read = self._frames(predicate) >= _READ
                return _Read(tuple(read), {id(f): int(s) for f, s in zip(self._facts, self._starts, strict=False)})
            case NthTime():
                return replace(predicate, inner=self._with_reading(predicate.inner))
            case NextScene():
                return replace(predicate, anchor=self._with_reading(predicate.anchor))
            case After():
                return After(self._with_reading(predicate.inner), self._with_reading(predicate.anchor))
            case _:
                return predicate

    def _verdicts(self, predicate: Predicate) -> np.ndarray:
        verdicts = [verdict for facts in self._facts for verdict in predicate.frames(facts)]
        return np.asarray(verdicts, dtype=np.float32) / YES

    def _words(self, words: frozenset[str], modality: str, count: int) -> np.ndarray:
        """Mean over the words of the best likeness of a token of this modality at each place."""
        scores = np.zeros((len(words), count), dtype=np.float32)
        for row, word in zip(scores, sorted(words), strict=True):
            for token, likeness in self._alike(word).items():
                for held, first, last in self._tokens[token]:
                    if held == modality:
                        row[first : last + 1] = np.maximum(row[first : last + 1], likeness)
        return np.asarray(scores.mean(axis=0))

    def _alike(self, word: str) -> dict[str, float]:
        """Tokens of the documents that may be this word, and how like they are."""
        if word not in self._known:
            self._known[word] = alike = {}
            for form in _all_forms(word):
                if form in self._tokens:
                    alike[form] = 1.0
                bigrams = _bigrams(form)
                shared = Counter(token for b in bigrams for token in self._by_bigram.get(b, ()))
                for token, number in shared.items():
                    if 3 * number >= len(bigrams) and alike.get(token, 0) < 1:
                        likeness = _likeness(form, token)
                        if likeness >= _MISSPELT:
                            alike[token] = max(likeness, alike.get(token, 0.0))
        return self._known[word]


@dataclass(frozen=True)
class _Read(Predicate):
    """Holds where the words could be read."""

    read: tuple[bool, ...]
    starts: dict[int, int]
    """First frame of each document, by the identity of its facts."""

    def frame(self, facts: FrameFacts) -> Verdict:
        raise NotImplementedError("known by position only")  # frames() below never asks one frame by itself

    def frames(self, facts: DocumentFacts) -> list[Verdict]:
        start = self.starts[id(facts)]
        return [YES if r else NO for r in self.read[start : start + len(facts.frames)]]


def _all_forms(word: str) -> frozenset[str]:
    names = {word, OTHER_NAME.get(word, word), *(n for n, canonical in CANONICAL_NAMES.items() if canonical == word)}
    return frozenset().union(*(forms(name) for name in names))


def _split(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def _bigrams(token: str) -> set[str]:
    return {a + b for a, b in zip(f"^{token}", f"{token}$", strict=True)}


def _likeness(one: str, other: str) -> float:
    """1 less the edit distance as a share of the longer word."""
    longer = max(len(one), len(other))
    if abs(len(one) - len(other)) > (1 - _MISSPELT) * longer:
        return 0.0
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return 1 - row[-1] / longer
