"""Retrieval: which document answers? The paper's Tables 1 (retrieval), 3 (modality accuracy) and 6 (by query type)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from clamr_select.eval.needle.benchmark.groups import best_baseline, interval, margin, mean_by_group, question_groups
from clamr_select.eval.needle.benchmark.scored import Material, Scored
from clamr_select.eval.needle.benchmark.systems import BASELINES
from clamr_select.eval.needle.documents import DocumentSet
from clamr_select.metrics import expected_ndcg_at_k, expected_recall_at_k, modality_report

MODALITIES = ("video", "ocr", "asr", "description")
DEPTH = 10


def retrieval_material(found: DocumentSet) -> Material:
    """The set as something to score."""
    return Material(
        questions=tuple(question.query.text for question in found.questions),
        documents=lambda: (found.documents[i] for i in range(len(found.documents))),
        rows="documents",
        oracle=found.oracle_scores,
        gold_documents=tuple(question.query.positive_documents for question in found.questions),
    )


def question_metrics(table: np.ndarray, found: DocumentSet) -> dict[str, np.ndarray]:
    """(num_questions,) ``ndcg@10``, ``recall@1``, ``recall@5``, ``recall@10``: ignored documents left out, ties at
    their expected value."""
    values: dict[str, list[float]] = {"ndcg@10": [], "recall@1": [], "recall@5": [], "recall@10": []}
    for scores, question in zip(table, found.questions, strict=True):
        kept = np.ones(len(scores), dtype=bool)
        kept[list(question.query.ignored_documents)] = False
        relevant = np.zeros(len(scores), dtype=bool)
        relevant[list(question.query.positive_documents)] = True
        ranked, answers = scores[kept], relevant[kept]
        values["ndcg@10"].append(expected_ndcg_at_k(ranked, relevant=answers, k=DEPTH))
        for k in (1, 5, 10):
            values[f"recall@{k}"].append(expected_recall_at_k(ranked, relevant=answers, k=k))
    return {name: np.array(numbers) for name, numbers in values.items()}


def retrieval_report(scored: Scored, found: DocumentSet, *, seed: int) -> dict[str, Any]:
    """All numbers of the task, ready for JSON."""
    targets = [question.target for question in found.questions]
    groups = question_groups(
        targets,
        paraphrased=[question.paraphrased for question in found.questions],
        held_out=[question.held_out for question in found.questions],
    )
    metrics = {name: question_metrics(table, found) for name, table in scored.tables.items()}
    baseline = best_baseline({name: float(m["ndcg@10"][groups["all"]].mean()) for name, m in metrics.items()})
    systems: dict[str, Any] = {}
    for name, values in metrics.items():
        entry: dict[str, Any] = {metric: mean_by_group(numbers, groups) for metric, numbers in values.items()}
        ndcg = values["ndcg@10"]
        entry["interval"] = {group: interval(ndcg[mask], seed=seed) for group, mask in groups.items()}
        if baseline is not None and name != baseline:
            other = metrics[baseline]["ndcg@10"]
            entry["margin"] = {group: margin(ndcg[mask], other[mask], seed=seed) for group, mask in groups.items()}
        if "oracle" in metrics:
            ceiling = mean_by_group(metrics["oracle"]["ndcg@10"], groups)
            entry["of_ceiling"] = {g: value / ceiling[g] for g, value in entry["ndcg@10"].items() if ceiling[g]}
        if name == "clamr":
            entry["margins"] = {
                other: {g: margin(ndcg[mask], metrics[other]["ndcg@10"][mask], seed=seed) for g, mask in groups.items()}
                for other in metrics
                if other in BASELINES
            }
        if name in scored.winners:
            entry["modality"] = _modality(scored.winners[name], targets)
        systems[name] = entry
    return {
        "num_documents": len(found.documents),
        "num_questions": {group: int(mask.sum()) for group, mask in groups.items()},
        "best_baseline": baseline,
        "systems": systems,
        "left_out": scored.left_out,
        "num_tokens_cut": scored.num_tokens_cut,
    }


def _modality(winners: list[list[str]], targets: list[str]) -> Mapping[str, Any]:
    """Over questions that one modality answers, in the document that answers; documents without a token are counted."""
    single = [row for row, target in enumerate(targets) if target in MODALITIES]
    rows = [row for row in single if winners[row]]
    if not rows:
        return {"num_questions": 0, "without_token": len(single)}
    report = modality_report([winners[row] for row in rows], gold=[targets[row] for row in rows], modalities=MODALITIES)
    return {**asdict(report), "without_token": len(single) - len(rows)}
