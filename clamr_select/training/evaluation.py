"""Retrieval metrics during training: every question against every document, or frame, that it may meet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from clamr_select.errors import InputError
from clamr_select.metrics import ndcg_at_k, recall_at_k
from clamr_select.training.encoding import EncodedDocuments
from clamr_select.training.losses import IGNORED, POSITIVE
from clamr_select.training.prepared import PreparedBatch
from clamr_select.training.relations import answered, relations_elsewhere
from clamr_select.training.scores import QueryTokens, Score, score_rows

DEPTH = 10


@dataclass(frozen=True)
class EncodedBatch:
    """A batch after the model, on the CPU."""

    queries: QueryTokens
    documents: EncodedDocuments
    document_relations: torch.Tensor
    frame_relations: torch.Tensor
    targets: list[str]
    document_keys: torch.Tensor | None
    answer_keys: list[torch.Tensor]

    @classmethod
    def of(cls, batch: PreparedBatch, *, queries: QueryTokens, documents: EncodedDocuments) -> EncodedBatch:
        return cls(
            queries,
            documents,
            document_relations=batch.document_relations,
            frame_relations=batch.frame_relations,
            targets=batch.targets,
            document_keys=batch.document_keys,
            answer_keys=batch.answer_keys,
        )


def retrieval_metrics(batches: Sequence[EncodedBatch], *, similarity: Score = "token_max") -> dict[str, float]:
    """Means over queries, 0 to 1.

    Batches whose documents have keys form one pool: every query meets every document of all of them, each key
    once, and whatever document of the pool a query's ``answer_keys`` name is positive. Without keys each batch is a
    pool of its own. Ignored rows are left out of the ranking.

    Returns:
        ``ndcg@10``, ``recall@1``, ``recall@5``, ``recall@10`` over documents, ``ndcg@10_<target>`` for each
        target, ``frame_hit@1``, ``frame_hit@8`` where frames are labelled, ``num_queries``.

    Raises:
        InputError: no query has a positive document.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for number, batch in enumerate(batches):
        scores, relation = _document_table(batches, number, similarity)
        for row, target in enumerate(batch.targets):
            ranked, relevant = _ranking(scores[row], relation[row])
            if relevant:
                _add_document_metrics(values, ranked, relevant, target)
        if bool((batch.frame_relations == POSITIVE).any()):
            _add_frame_metrics(values, batch, similarity)
    if not values["ndcg@10"]:
        raise InputError("nothing to evaluate: no query of the evaluation set has a positive document")
    return {
        **{name: float(np.mean(numbers)) for name, numbers in sorted(values.items())},
        "num_queries": float(len(values["ndcg@10"])),
    }


def _document_table(
    batches: Sequence[EncodedBatch], number: int, similarity: Score
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores and relations of one batch's queries to all documents of their pool."""
    batch = batches[number]
    if batch.document_keys is None:
        return _scores(batch.queries, batch.documents, similarity), batch.document_relations
    scores, relations, keys = [], [], []
    for other_number, other in enumerate(batches):
        if other.document_keys is None:
            continue
        scores.append(_scores(batch.queries, other.documents, similarity))
        keys.append(other.document_keys)
        relations.append(
            batch.document_relations
            if other_number == number
            else relations_elsewhere(
                batch.document_relations,
                own_keys=batch.document_keys,
                other_keys=other.document_keys,
                answer_keys=batch.answer_keys,
            )
        )
    pool = torch.cat(keys)
    # training ignores answers elsewhere; a metric that did so would depend on which batch they fell into
    relation = torch.cat(relations, dim=1).masked_fill(answered(batch.answer_keys, keys=pool), POSITIVE)
    return _each_key_once(torch.cat(scores, dim=1), relation, pool)


def _each_key_once(
    scores: torch.Tensor, relations: torch.Tensor, keys: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The first column of each key, positive where one of its columns is, else ignored where one is."""
    distinct, group = torch.unique(keys, return_inverse=True)
    positions = torch.arange(len(keys))
    first = torch.full((len(distinct),), len(keys)).scatter_reduce(0, group, positions, reduce="amin")
    first, order = first.sort()
    group = order.argsort()[group]  # numbered as they come

    def some_column(kind: int) -> torch.Tensor:
        counts = torch.zeros((len(relations), len(first)), dtype=torch.int64)
        return counts.index_add(1, group, (relations == kind).long()) > 0

    merged = relations[:, first].masked_fill(some_column(IGNORED), IGNORED).masked_fill(some_column(POSITIVE), POSITIVE)
    return scores[:, first], merged


def _scores(queries: QueryTokens, documents: EncodedDocuments, similarity: Score) -> torch.Tensor:
    return score_rows(queries, tokens=documents.tokens, segments=documents.document_rows()).of(similarity)


def _ranking(scores: torch.Tensor, relation: torch.Tensor) -> tuple[list[int], list[int]]:
    """The best ``DEPTH`` rows, best first (of equal ones the earlier), and all positive ones."""
    order = scores.masked_fill(relation == IGNORED, -torch.inf).argsort(descending=True, stable=True)[:DEPTH]
    ranked = [int(row) for row in order if torch.isfinite(scores[row]) and relation[row] != IGNORED]
    return ranked, (relation == POSITIVE).nonzero()[:, 0].tolist()


def _add_document_metrics(values: dict[str, list[float]], ranked: list[int], relevant: list[int], target: str) -> None:
    ndcg = ndcg_at_k(ranked, relevant=relevant, k=DEPTH)
    values["ndcg@10"].append(ndcg)
    if target:
        values[f"ndcg@10_{target}"].append(ndcg)
    for k in (1, 5, 10):
        values[f"recall@{k}"].append(recall_at_k(ranked, relevant=relevant, k=k))


def _add_frame_metrics(values: dict[str, list[float]], batch: EncodedBatch, similarity: Score) -> None:
    documents = batch.documents
    scores = score_rows(batch.queries, tokens=documents.tokens, segments=documents.frame_rows()).of(similarity)
    for row, relation in enumerate(batch.frame_relations):
        ranked, relevant = _ranking(scores[row], relation)
        if relevant:
            for k in (1, 8):
                values[f"frame_hit@{k}"].append(float(bool(set(ranked[:k]) & set(relevant))))
