"""What CLaMR's score rests on: a modality blanked, and documents of growing length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from clamr_select.errors import unknown_name
from clamr_select.eval.needle.benchmark.groups import interval, mean_by_group
from clamr_select.eval.needle.benchmark.retrieval import MODALITIES, question_metrics
from clamr_select.eval.needle.documents import DocumentSet
from clamr_select.eval.ranking.pool import encode_pool, score_pool
from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.views import VIDEO, View

GREY = 128
LENGTHS = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16))
"""Candidates of the document that answers, from and to."""


def blank(document: Document, modality: str) -> Document:
    """The document with grey frames, or without the texts of one modality.

    Text drawn into the frames stays there when ``ocr`` is blanked.

    Raises:
        UnknownNameError: there is no such modality.
    """
    if modality not in MODALITIES:
        raise unknown_name("modality", modality, MODALITIES)
    if modality != VIDEO:
        return replace(document, texts=tuple(s for s in document.texts if s.modality != modality))
    grey = [np.full_like(frame, GREY) for frame in document.frames]
    return replace(document, frames=grey, neighbors=None if document.neighbors is None else grey)


def counterfactual_report(found: DocumentSet, *, encoder: ClamrEncoder) -> dict[str, Any]:
    """nDCG@10 of CLaMR by target with each modality blanked in all documents, beside none blanked and chance."""
    targets = np.array([question.target for question in found.questions])
    groups = {target: targets == target for target in MODALITIES if (targets == target).any()}
    queries, _ = encoder.encode_query([question.query.text for question in found.questions])
    chance = question_metrics(np.zeros_like(found.oracle_scores), found)["ndcg@10"]
    report: dict[str, Any] = {"chance": mean_by_group(chance, groups)}
    for modality in (None, *MODALITIES):

        def documents(blanked: str | None = modality) -> Iterator[Document]:
            for position in range(len(found.documents)):
                document = found.documents[position]
                yield document if blanked is None else blank(document, blanked)

        pool = encode_pool(encoder, documents(), view=View())
        table = score_pool(queries, pool=pool, rows="documents", scores=["token_max"])["token_max"]
        report[f"without {modality}" if modality else "nothing blanked"] = mean_by_group(
            question_metrics(table, found)["ndcg@10"], groups
        )
    return report


def length_report(found: DocumentSet, *, encoder: ClamrEncoder, seed: int) -> dict[str, Any]:
    """CLaMR's scores by the length of the document that answers; of several, the shortest counts."""
    lengths: list[int] = []

    def documents() -> Iterator[Document]:
        for position in range(len(found.documents)):
            document = found.documents[position]
            lengths.append(document.num_candidates)
            yield document

    pool = encode_pool(encoder, documents(), view=View())
    queries, _ = encoder.encode_query([question.query.text for question in found.questions])
    table = score_pool(queries, pool=pool, rows="documents", scores=["token_max"])["token_max"]
    metrics = question_metrics(table, found)
    gold = np.array([min(lengths[d] for d in question.query.positive_documents) for question in found.questions])
    report: dict[str, Any] = {}
    for first, last in LENGTHS:
        mask = (gold >= first) & (gold <= last)
        if mask.any():
            report[f"{first}" if first == last else f"{first}-{last}"] = {
                "num_questions": int(mask.sum()),
                "ndcg@10": interval(metrics["ndcg@10"][mask], seed=seed),
                "recall@1": interval(metrics["recall@1"][mask], seed=seed),
            }
    return report
