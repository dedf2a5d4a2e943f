"""Metrics: pure functions for ranking, evidence in time, and how sure a difference is."""

from clamr_select.metrics.evidence import evidence_recall, hit_at_k
from clamr_select.metrics.ranking import ndcg_at_k, recall_at_k
from clamr_select.metrics.significance import (
    BootstrapInterval,
    McNemarResult,
    bootstrap_interval,
    mcnemar,
    paired_bootstrap_interval,
)

__all__ = [
    "BootstrapInterval",
    "McNemarResult",
    "bootstrap_interval",
    "evidence_recall",
    "hit_at_k",
    "mcnemar",
    "ndcg_at_k",
    "paired_bootstrap_interval",
    "recall_at_k",
]
