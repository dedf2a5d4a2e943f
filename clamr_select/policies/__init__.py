"""Policies: pure functions from scores to the positions of the candidates to take."""

from clamr_select.policies.registry import (
    DEFAULT_POLICY,
    POLICIES,
    check_parameters,
    find_policy,
    policy_inputs,
    policy_names,
    policy_parameters,
)
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.select import select_indices
from clamr_select.policies.similarity import FrameSimilarity, MatrixSimilarity, PooledSimilarity

__all__ = [
    "DEFAULT_POLICY",
    "POLICIES",
    "FrameSimilarity",
    "MatrixSimilarity",
    "PolicyResult",
    "PooledSimilarity",
    "check_parameters",
    "find_policy",
    "policy_inputs",
    "policy_names",
    "policy_parameters",
    "select_indices",
]
