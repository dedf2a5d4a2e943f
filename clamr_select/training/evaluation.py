"""Retrieval metrics during training: every question against every document, or frame, that it may meet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch

from clamr_select.errors import InputError
from clamr_select.metrics import ndcg_at_k
from clamr_select.scoring.segments import Segments
from clamr_select.training.encoding import EncodedDocuments, side_by_side
from clamr_select.training.losses import IGNORED, POSITIVE
from clamr_select.training.prepared import PreparedBatch
from clamr_select.training.relations import answered, relations_elsewhere
from clamr_select.training.scores import QueryTokens, Score, queries_side_by_side, score_rows

DEPTH = 10
BLOCK_DOCUMENTS = 64
"""Documents that are compared at once with the queries of as many: fewer, and calls cost more than arithmetic."""

Values = dict[str, dict[Hashable, list[float]]]
"""Of each metric, of each question: a number for each row that asks it."""


@dataclass(frozen=True)
class EncodedBatch:
    """A batch after the model, on the CPU."""

    queries: QueryTokens
    documents: EncodedDocuments
    document_relations: torch.Tensor
    frame_relations: torch.Tensor
    targets: list[str]
    answer_keys: list[torch.Tensor]
    document_keys: torch.Tensor | None = None
    question_keys: torch.Tensor | None = None

    @classmethod
    def of(cls, batch: PreparedBatch, *, queries: QueryTokens, documents: EncodedDocuments) -> EncodedBatch:
        return cls(
            queries,
            documents,
            document_relations=batch.document_relations,
            frame_relations=batch.frame_relations,
            targets=batch.targets,
            answer_keys=batch.answer_keys,
            document_keys=batch.document_keys,
            question_keys=batch.question_keys,
        )


def retrieval_metrics(
    batches: Sequence[EncodedBatch], *, similarity: Score = "token_max", device: torch.device | str = "cpu"
) -> dict[str, float]:
    """Means over questions, 0 to 1.

    Batches whose documents have keys form one pool: every query meets every document of all of them, each key
    once, and whatever document of the pool a query's ``answer_keys`` name is positive. Queries with one key are one
    question, which counts once. Without keys each batch is a pool of its own, and each query a question. Ignored rows
    are left out of the ranking.

    Args:
        device: where scores are computed.

    Returns:
        ``ndcg@10``, ``recall@1``, ``recall@5``, ``recall@10`` (of as many answers as have room there) over documents,
        ``ndcg@10_<target>`` for each target, ``frame_hit@1``, ``frame_hit@8`` where frames are labelled,
        ``num_queries``, the questions.

    Raises:
        InputError: no query has a positive document.
    """
    values: Values = defaultdict(lambda: defaultdict(list))
    pool = [batch for batch in batches if batch.document_keys is not None]
    alone = [batch for batch in batches if batch.document_keys is None]
    for scores, relations, batch in chain(
        _own_tables(alone, similarity, device), _pool_tables(pool, similarity, device)
    ):
        for row, target in enumerate(batch.targets):
            ranked, relevant = _ranking(scores[row], relations[row])
            if relevant:
                _add_document_metrics(values, ranked, relevant, target, question=_question(batch, row))
        if bool((batch.frame_relations == POSITIVE).any()):
            _add_frame_metrics(values, batch, similarity, device)
    if not values["ndcg@10"]:
        raise InputError("nothing to evaluate: no query of the evaluation set has a positive document")
    return {
        **{name: _mean_of_questions(by_question) for name, by_question in sorted(values.items())},
        "num_queries": float(len(values["ndcg@10"])),
    }


Table = tuple[torch.Tensor, torch.Tensor, EncodedBatch]
"""(num_queries, num_documents) scores and relations of a batch's queries to all documents they meet."""


def _own_tables(batches: Sequence[EncodedBatch], similarity: Score, device: torch.device | str) -> Iterator[Table]:
    for batch in batches:
        rows = batch.documents.document_rows()
        yield _scores(batch.queries, batch.documents, rows, similarity, device), batch.document_relations, batch


def _pool_tables(batches: Sequence[EncodedBatch], similarity: Score, device: torch.device | str) -> Iterator[Table]:
    if not batches:
        return
    pool = torch.cat([_keys(batch) for batch in batches])
    scores = _pool_scores(batches, similarity, device)
    first_row = first_column = 0
    for batch in batches:
        rows = slice(first_row, first_row + len(batch.targets))
        columns = slice(first_column, first_column + len(_keys(batch)))
        first_row, first_column = rows.stop, columns.stop
        yield *_each_key_once(scores[rows], _pool_relations(batch, pool, columns), pool), batch


def _pool_scores(batches: Sequence[EncodedBatch], similarity: Score, device: torch.device | str) -> torch.Tensor:
    """(num_queries, num_documents) of all batches, a block at a time."""
    asked = [queries_side_by_side([batch.queries for batch in block]) for block in _blocks(batches)]
    columns = []
    for block in _blocks(batches):
        documents = side_by_side([batch.documents for batch in block])
        rows = documents.document_rows()
        columns.append(torch.cat([_scores(queries, documents, rows, similarity, device) for queries in asked]))
    return torch.cat(columns, dim=1)


def _blocks(batches: Sequence[EncodedBatch]) -> Iterator[list[EncodedBatch]]:
    block: list[EncodedBatch] = []
    for batch in batches:
        if block and sum(len(_keys(one)) for one in [*block, batch]) > BLOCK_DOCUMENTS:
            yield block
            block = []
        block.append(batch)
    if block:
        yield block


def _pool_relations(batch: EncodedBatch, pool: torch.Tensor, columns: slice) -> torch.Tensor:
    """How all documents of the pool stand to a batch's queries; ``columns`` are the batch's own."""
    relations = relations_elsewhere(
        batch.document_relations, own_keys=_keys(batch), other_keys=pool, answer_keys=batch.answer_keys
    )
    relations[:, columns] = batch.document_relations
    # training ignores answers elsewhere; a metric that did so would depend on which batch they fell into
    return relations.masked_fill(answered(batch.answer_keys, keys=pool), POSITIVE)


def _keys(batch: EncodedBatch) -> torch.Tensor:
    if batch.document_keys is None:
        raise InputError("a batch without document keys is a pool of its own")
    return batch.document_keys


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


def _scores(
    queries: QueryTokens, documents: EncodedDocuments, rows: Segments, similarity: Score, device: torch.device | str
) -> torch.Tensor:
    asked = replace(queries, vectors=queries.vectors.to(device))
    tokens = replace(documents.tokens, vectors=documents.tokens.vectors.to(device))
    return score_rows(asked, tokens=tokens, segments=rows).of(similarity).cpu()


def _ranking(scores: torch.Tensor, relation: torch.Tensor) -> tuple[list[int], list[int]]:
    """The best ``DEPTH`` rows, best first (of equal ones the earlier), and all positive ones."""
    order = scores.masked_fill(relation == IGNORED, -torch.inf).argsort(descending=True, stable=True)[:DEPTH]
    ranked = [int(row) for row in order if torch.isfinite(scores[row]) and relation[row] != IGNORED]
    return ranked, (relation == POSITIVE).nonzero()[:, 0].tolist()


def _question(batch: EncodedBatch, row: int) -> Hashable:
    return (id(batch), row) if batch.question_keys is None else int(batch.question_keys[row])


def _mean_of_questions(by_question: dict[Hashable, list[float]]) -> float:
    return float(np.mean([np.mean(numbers) for numbers in by_question.values()]))


def _add_document_metrics(
    values: Values, ranked: list[int], relevant: list[int], target: str, *, question: Hashable
) -> None:
    ndcg = ndcg_at_k(ranked, relevant=relevant, k=DEPTH)
    values["ndcg@10"][question].append(ndcg)
    if target:
        values[f"ndcg@10_{target}"][question].append(ndcg)
    for k in (1, 5, 10):
        found = len(set(relevant) & set(ranked[:k]))
        values[f"recall@{k}"][question].append(found / min(k, len(relevant)))


def _add_frame_metrics(values: Values, batch: EncodedBatch, similarity: Score, device: torch.device | str) -> None:
    scores = _scores(batch.queries, batch.documents, batch.documents.frame_rows(), similarity, device)
    for row, relation in enumerate(batch.frame_relations):
        ranked, relevant = _ranking(scores[row], relation)
        if relevant:
            for k in (1, 8):
                hit = float(bool(set(ranked[:k]) & set(relevant)))
                values[f"frame_hit@{k}"][_question(batch, row)].append(hit)
