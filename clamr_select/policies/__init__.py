"""Policies: pure functions from scores to the positions of the candidates to take."""

from clamr_select.policies.result import PolicyResult
from clamr_select.policies.select import POLICIES, select_indices

__all__ = ["POLICIES", "PolicyResult", "select_indices"]
