"""Hard negatives: documents that a model ranks high for a question they do not answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from clamr_select.errors import InputError
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.maxsim import Similarity, check_similarity


@dataclass(frozen=True)
class MinedNegatives:
    """What was found for one question, hardest first."""

    keys: tuple[str, ...]
    scores: tuple[float, ...]
    num_too_close: int
    """Documents left out because they score nearly as high as a positive: they may well answer."""


def mine_hard_negatives(
    questions: Sequence[str],
    *,
    positive_keys: Sequence[Collection[str]],
    corpus: Iterable[tuple[str, Document]],
    encoder: ClamrEncoder,
    num_negatives: int = 8,
    max_share_of_positive: float = 0.95,
    similarity: Similarity = "token_max",
    documents_at_once: int = 64,
) -> list[MinedNegatives]:
    """Search a corpus with the current model.

    The corpus is read once and never held: memory is that of the questions, of ``documents_at_once`` documents
    and of one score for each pair.

    Args:
        positive_keys: for each question, the keys of the documents that answer it; they are no negatives.
        corpus: (key, document); a key that comes again is another part of the same video, whose best part counts.
        max_share_of_positive: a document that scores above this share of the question's best positive is left
            out as a likely false negative (NV-Retriever, arXiv 2407.15831); 1 and above keep more.
        documents_at_once: encoded and scored together.

    Raises:
        InputError: lengths that differ, nothing to search, a positive that is not in the corpus, or a number
            that is out of range.
    """
    check_similarity(similarity)
    if len(positive_keys) != len(questions) or min(num_negatives, documents_at_once) < 1 or max_share_of_positive <= 0:
        raise InputError(
            f"got {len(questions)} questions, {len(positive_keys)} sets of positives, {num_negatives=}, "
            f"{max_share_of_positive=}; allowed: one set a question, at least 1, above 0"
        )
    table = _score_corpus(questions, corpus, encoder, similarity, documents_at_once)
    keys = list(table)
    scores = torch.stack([table[key] for key in keys], dim=1)  # [questions, keys]
    places = {key: place for place, key in enumerate(keys)}
    mined = []
    for row, positives in zip(scores, positive_keys, strict=True):
        missing = sorted(set(positives) - places.keys())
        if missing or not positives:
            raise InputError(
                f"a question's positives must be in the corpus, got {sorted(positives)}; missing: {missing}"
            )
        mined.append(_hardest(row, [places[key] for key in positives], keys, num_negatives, max_share_of_positive))
    return mined


def _score_corpus(
    questions: Sequence[str],
    corpus: Iterable[tuple[str, Document]],
    encoder: ClamrEncoder,
    similarity: Similarity,
    documents_at_once: int,
) -> dict[str, torch.Tensor]:
    """Key to (num_questions,) scores."""
    queries, _ = encoder.encode_query(questions)
    table: dict[str, torch.Tensor] = {}
    stream = iter(corpus)  # itertools.batched is of Python 3.12
    while part := list(islice(stream, documents_at_once)):
        embedded, _ = encoder.encode_document([document for _, document in part])
        columns = encoder.similarity(queries, embedded, similarity=similarity).unbind(1)
        for (key, _), column in zip(part, columns, strict=True):
            table[key] = torch.maximum(table[key], column) if key in table else column
    if not table:
        raise InputError("the corpus is empty; there is nothing to mine")
    return table


def _hardest(
    scores: torch.Tensor, positives: list[int], keys: list[str], num_negatives: int, max_share: float
) -> MinedNegatives:
    best = scores[positives].max()
    limit = best - (1 - max_share) * best.abs()  # a share of a negative score lies below it, too
    candidates = scores.clone()
    candidates[positives] = -torch.inf
    too_close = candidates > limit
    candidates[too_close] = -torch.inf
    order = candidates.argsort(descending=True, stable=True)[:num_negatives].tolist()
    kept = [place for place in order if torch.isfinite(candidates[place])]
    return MinedNegatives(
        keys=tuple(keys[place] for place in kept),
        scores=tuple(float(scores[place]) for place in kept),
        num_too_close=int(too_close.sum()),
    )
