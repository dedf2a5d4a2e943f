"""How much of a video is looked at for a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from clamr_select.errors import unknown_name

Effort = Literal["fast", "balanced", "full"]


@dataclass(frozen=True)
class EffortPlan:
    """What is encoded of a video: a share that grows with its length, and windows that do not."""

    skim_step: int
    """Every so many candidates, one is looked at by itself."""
    dense_windows: int
    """So many windows are encoded whole for each question, as ``full`` encodes all."""

    def covers(self, num_windows: int) -> bool:
        """Whether a video is short enough for all of its windows to be encoded whole."""
        return num_windows <= self.dense_windows

    def skimmed(self, num_candidates: int) -> np.ndarray:
        """Positions of the candidates that are looked at by themselves, (n,) int64."""
        return np.arange(min((self.skim_step - 1) // 2, num_candidates - 1), num_candidates, self.skim_step)


EFFORT_PLANS: Mapping[Effort, EffortPlan] = MappingProxyType(
    {"fast": EffortPlan(skim_step=4, dense_windows=192), "balanced": EffortPlan(skim_step=2, dense_windows=384)}
)
"""Measured by ``clamr-select eval effort`` (docs/performance.md)."""


def check_effort(effort: str) -> None:
    """Raises UnknownNameError unless ``effort`` is one."""
    if effort not in get_args(Effort):
        raise unknown_name("effort", effort, get_args(Effort))
