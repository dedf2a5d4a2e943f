"""Metrics: pure functions for ranking, evidence in time, and how sure a difference is."""

from clamr_select.metrics.clusters import ClusterBootstrap
from clamr_select.metrics.evidence import evidence_precision, evidence_recall, hit_at_k, time_coverage
from clamr_select.metrics.modality import ModalityReport, modality_report
from clamr_select.metrics.ranking import ndcg_at_k, recall_at_k
from clamr_select.metrics.significance import (
    BootstrapInterval,
    McNemarResult,
    bootstrap_interval,
    mcnemar,
    paired_bootstrap_interval,
)
from clamr_select.metrics.ties import expected_ndcg_at_k, expected_recall_at_k, expected_reciprocal_rank

__all__ = [
    "BootstrapInterval",
    "ClusterBootstrap",
    "McNemarResult",
    "ModalityReport",
    "bootstrap_interval",
    "evidence_precision",
    "evidence_recall",
    "expected_ndcg_at_k",
    "expected_recall_at_k",
    "expected_reciprocal_rank",
    "hit_at_k",
    "mcnemar",
    "modality_report",
    "ndcg_at_k",
    "paired_bootstrap_interval",
    "recall_at_k",
    "time_coverage",
]
