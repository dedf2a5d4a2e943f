"""Losses: pure functions on score tensors, one loss a positive; who averages them knows about other processes."""

from clamr_select.training.losses.contrastive import infonce, pairwise_softplus
from clamr_select.training.losses.distillation import kl_divergence, margin_mse
from clamr_select.training.losses.modality import (
    NO_TARGET,
    gold_is_absent,
    hard_negative_infonce,
    hard_positive_infonce,
)
from clamr_select.training.losses.relation import IGNORED, NEGATIVE, POSITIVE

__all__ = [
    "IGNORED",
    "NEGATIVE",
    "NO_TARGET",
    "POSITIVE",
    "gold_is_absent",
    "hard_negative_infonce",
    "hard_positive_infonce",
    "infonce",
    "kl_divergence",
    "margin_mse",
    "pairwise_softplus",
]
