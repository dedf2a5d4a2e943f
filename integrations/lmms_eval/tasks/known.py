"""The tasks of lmms-eval whose documents we know."""

from __future__ import annotations

from collections.abc import Mapping

from clamr_select.integrations.lmms_eval.tasks.fields import question_of
from clamr_select.integrations.lmms_eval.tasks.registry import TaskAdapter

FALLBACK = TaskAdapter(question_of, name="fallback")
KNOWN: Mapping[str, TaskAdapter] = {}
"""Pattern to adapter; of several that fit, the last one counts."""
