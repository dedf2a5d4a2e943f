"""A set of documents with questions, for retrieval: near misses among them, or none planted."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import get_args, overload

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.needle.batches import BALANCED_TARGETS, full_batch, label_one
from clamr_select.eval.needle.combinations import pair_split
from clamr_select.eval.needle.noise import Noise
from clamr_select.eval.needle.oracle import Oracle
from clamr_select.eval.needle.ordering import After, NextScene, NthTime
from clamr_select.eval.needle.plans import DocumentPlan
from clamr_select.eval.needle.predicates import Both, Predicate, ShapePattern, ShowsShapes
from clamr_select.eval.needle.questions import Question
from clamr_select.eval.needle.scene import NUMBER
from clamr_select.eval.needle.synonyms import OTHER_NAME
from clamr_select.eval.needle.vocabulary import Split, forms
from clamr_select.model.document import Document
from clamr_select.training.batch import TrainingQuery

_CONTENT, _NOISE = 101, 102  # streams of random numbers: noise leaves scenes, lines and questions as they are


@dataclass(frozen=True)
class BenchmarkQuestion:
    """A question to a document set: who answers it, and what kind of question it is."""

    query: TrainingQuery
    """Text, positives and ignored, as positions in ``DocumentSet.documents``."""
    target: str
    """``video``, ``ocr``, ``asr``, ``description``, ``video+asr``, ``video+ocr``, ``ocr+asr``, or ``ordering``:
    questions that compare moments, to be reported apart."""
    paraphrased: bool
    """It uses a synonym where no document that answers has the word itself."""
    held_out: bool
    """Its picture has a combination (colour and kind, texture and kind) that training never shows."""


@dataclass(frozen=True)
class DocumentSet:
    """Documents, questions, and what a perfect reader of the same evidence would score."""

    documents: Sequence[Document]
    """Drawn when they are asked for, in any order, the same each time; one drawn document is kept at a time."""
    questions: tuple[BenchmarkQuestion, ...]
    oracle_scores: np.ndarray
    """(num_questions, num_documents) float32, 0..1: how well each document answers by what can still be read after
    the noise (pictures as they truly are). Rank by it, with the same metrics as any model, for the ceiling;
    ties are real: break them by expectation, not by position."""


def documents(
    *,
    seed: int,
    split: Split,
    noise: Noise,
    num_documents: int = 1000,
    planted: bool = True,
    max_frames: int = 8,
    neighbors: bool = True,
) -> DocumentSet:
    """Documents of 1 to ``max_frames`` candidates with about one question each; the same arguments give the same.

    Args:
        noise: ``clean`` and ``realistic`` share scenes, lines and questions; only the evidence is worse.
        planted: near misses are planted around every question (same words in the wrong modality, half of them,
            the scene with one attribute changed). False gives independent documents.

        neighbors: documents hold the source frame after each candidate, and questions ask for motion.

    Raises:
        InputError: fewer than 2 documents, or ``max_frames`` below 1.
        UnknownNameError: no such split or noise level.
    """
    if num_documents < 2 or max_frames < 1:
        raise InputError(
            f"got num_documents={num_documents}, max_frames={max_frames}; allowed: at least 2 and at least 1"
        )
    check_names(split, noise)
    number = get_args(Split).index(split)
    rng = np.random.default_rng((seed, number, _CONTENT, planted))
    plans, questions = full_batch(
        rng, num_documents, max_frames, split, neighbors=neighbors, planted=planted, targets=BALANCED_TARGETS
    )
    order = [int(i) for i in rng.permutation(len(plans))]
    plans = [plans[i] for i in order]
    clean = [_tokens(plan) for plan in plans]
    if noise == "realistic":
        for index, plan in enumerate(plans):
            plan.add_noise(np.random.default_rng((seed, number, _NOISE, index)), split=split, codec=True)
    facts = [plan.facts() for plan in plans]
    labelled = [(question, label_one(question, facts)) for question in questions]
    kept = [(question, query) for question, query in labelled if query.positive_documents]
    oracle = Oracle(plans, facts)
    return DocumentSet(
        documents=_Drawn(plans),
        questions=tuple(_describe(question, query, clean) for question, query in kept),
        oracle_scores=np.stack([oracle.document_scores(question) for question, _ in kept]),
    )


def check_names(split: Split, noise: Noise) -> None:
    """Raise UnknownNameError for a split or noise level that there is not."""
    for kind, name, allowed in (("split", split, get_args(Split)), ("noise level", noise, get_args(Noise))):
        if name not in allowed:
            raise unknown_name(kind, name, allowed)


def is_paraphrased(question: Question, tokens: Collection[str]) -> bool:
    """Whether it asks by a name for which no form is among the tokens of its answers."""
    return any(name in OTHER_NAME and not forms(name) & set(tokens) for name in question.asked)


def asks_held_out(predicate: Predicate) -> bool:
    """Whether it asks for a colour or texture on a kind that training never shows so."""
    match predicate:
        case ShowsShapes():
            return any(_is_held_out(pattern) for pattern in predicate.patterns)
        case Both(first, second) | After(first, second):
            return asks_held_out(first) or asks_held_out(second)
        case NthTime(inner, _) | NextScene(inner, _):
            return asks_held_out(inner)
    return False


def _is_held_out(pattern: ShapePattern) -> bool:
    if pattern.kind is None:
        return False
    kind = str(pattern.number) if pattern.kind == NUMBER else pattern.kind
    return any(
        attribute not in (None, "plain") and pair_split(str(attribute), kind) != "train"
        for attribute in (pattern.colour, pattern.texture)
    )


def _describe(question: Question, query: TrainingQuery, tokens: Sequence[frozenset[str]]) -> BenchmarkQuestion:
    answers = frozenset().union(*(tokens[d] for d in query.positive_documents))
    return BenchmarkQuestion(
        query=query,
        target="ordering" if question.target.startswith("ordering") else question.target,
        paraphrased=is_paraphrased(question, answers),
        held_out=asks_held_out(question.predicate),
    )


def _tokens(plan: DocumentPlan) -> frozenset[str]:
    """All words of a document as they truly are."""
    text = " ".join([plan.description, *(line.truth for line in (*plan.asr, *plan.ocr))])
    return frozenset(re.findall(r"[a-z0-9]+", text.lower()))


class _Drawn(Sequence[Document]):
    """Documents, drawn when asked for; the last one is kept."""

    def __init__(self, plans: Sequence[DocumentPlan]) -> None:
        self._plans = plans
        self._last: tuple[int, Document] | None = None

    def __len__(self) -> int:
        return len(self._plans)

    @overload
    def __getitem__(self, index: int) -> Document: ...

    @overload
    def __getitem__(self, index: slice) -> list[Document]: ...

    def __getitem__(self, index: int | slice) -> Document | list[Document]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        if self._last is None or self._last[0] != position:
            self._last = position, self._plans[position].document()
        return self._last[1]
