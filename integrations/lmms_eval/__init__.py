"""lmms-eval: a frame sampler that drops into any of its models, and the tasks that it knows.

Installing the package registers it: ``lmms-eval --model clamr --model_args base=qwen2_5_vl,…`` evaluates that model
with frames chosen by the question (docs/lmms_eval.md). lmms-eval is not forked, and no file of it changed or copied.
"""

from __future__ import annotations

from clamr_select.integrations.lmms_eval.registration import manifests
from clamr_select.integrations.lmms_eval.tasks.registry import TaskAdapter, TaskQuestion, register_task

__all__ = ["TaskAdapter", "TaskQuestion", "manifests", "register_task"]
