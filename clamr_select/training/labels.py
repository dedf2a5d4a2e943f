"""The labels of all rows that are scored: this process's own, and those of the other processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from clamr_select.training.objective import Labels, Rows
from clamr_select.training.prepared import PreparedBatch
from clamr_select.training.relations import relations_elsewhere


def label_rows(
    batch: PreparedBatch,
    *,
    rows: Rows,
    keys_by_process: Sequence[torch.Tensor],
    own_process: int,
    frame_counts: torch.Tensor,
    device: torch.device,
) -> Labels:
    """How the scored rows stand to this process's queries.

    Args:
        keys_by_process: document keys of every process; empty where only this batch's documents were scored.
        own_process: position of this batch among them.
        frame_counts: candidates of every document that was scored, process by process.
    """
    own = batch.frame_relations if rows == "frames" else batch.document_relations
    starts = [sum(len(keys) for keys in keys_by_process[:process]) for process in range(len(keys_by_process))]
    parts = []
    for process, keys in enumerate(keys_by_process):
        if process == own_process:
            parts.append(own)
            continue
        elsewhere = _elsewhere(batch, keys)
        counts = frame_counts[starts[process] : starts[process] + len(keys)]
        parts.append(elsewhere.repeat_interleave(counts, dim=1) if rows == "frames" else elsewhere)
    relation = torch.cat(parts, dim=1) if parts else own
    return Labels(
        relation=relation.to(device),
        target_ids=batch.target_ids.to(device),
        joint=batch.joint.to(device),
        teacher=_teacher(batch, keys_by_process, own_process, device) if rows == "documents" else None,
    )


def _elsewhere(batch: PreparedBatch, keys: torch.Tensor) -> torch.Tensor:
    own_keys = batch.document_keys if batch.document_keys is not None else keys.new_zeros(0)
    return relations_elsewhere(
        batch.document_relations, own_keys=own_keys, other_keys=keys, answer_keys=batch.answer_keys
    )


def _teacher(
    batch: PreparedBatch, keys_by_process: Sequence[torch.Tensor], own_process: int, device: torch.device
) -> torch.Tensor | None:
    """Teacher scores, NaN for the documents of other processes."""
    if batch.teacher_scores is None:
        return None
    known = batch.teacher_scores
    parts = [
        known if process == own_process else known.new_full((len(known), len(keys)), torch.nan)
        for process, keys in enumerate(keys_by_process)
    ]
    return (torch.cat(parts, dim=1) if parts else known).to(device)
