"""Is this installation sound, and does a checkpoint compute what it should? Each check runs the real thing."""

from __future__ import annotations

from clamr_select.doctor.examine import examine
from clamr_select.doctor.report import Check, Status, healthy

__all__ = ["Check", "Status", "examine", "healthy"]
