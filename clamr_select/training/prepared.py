"""A training batch as tensors, made away from the training loop (in the data loader's workers)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from clamr_select.errors import InputError
from clamr_select.model import ClamrProcessor
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.losses import NO_TARGET
from clamr_select.training.relations import hash_keys, question_keys, relations
from clamr_select.training.views import View

NUM_GROUPS = 4
"""Forward passes a batch is split into by document length, unless the caller says otherwise."""


@dataclass(frozen=True)
class DocumentGroup:
    """Documents of like length, so that little is computed on padding."""

    inputs: Any
    """What the processor made of them; pixels are bytes still."""
    positions: list[int]
    """Their places in the batch; parts of one document that are encoded apart share one."""
    image_mean: Sequence[float]
    image_std: Sequence[float]
    """Of each colour channel, 0..1: what makes numbers of the pixels, where the model is."""
    counts: bool = True
    """False for a pass that is made because other processes make one."""


@dataclass(frozen=True)
class PreparedBatch:
    """Everything the model and the losses need of a batch."""

    groups: list[DocumentGroup]
    """One forward pass each; with cached gradients, as much as is in memory at once."""
    queries: Any
    """What the processor made of the questions."""
    frame_counts: list[int]
    """Candidates of each document."""
    frame_relations: torch.Tensor
    """(num_queries, num_frames) of NEGATIVE, POSITIVE, IGNORED."""
    document_relations: torch.Tensor
    """(num_queries, num_documents)."""
    targets: list[str]
    target_ids: torch.Tensor
    """(num_queries,) int64 id of the one modality that answers, or ``NO_TARGET``."""
    joint: torch.Tensor
    """(num_queries,) bool: two modalities answer together, so ``modality_max`` cannot be trained on it."""
    answer_keys: list[torch.Tensor]
    """Of each query (num_answers,) int64: the keys of all documents that answer it, in whatever batch."""
    document_keys: torch.Tensor | None = None
    """(num_documents,) int64, None where the documents have no keys."""
    question_keys: torch.Tensor | None = None
    """(num_queries,) int64, the same for one question that stands beside several videos; None where documents have no
    keys."""
    teacher_scores: torch.Tensor | None = None
    """(num_queries, num_documents) float32, NaN where unknown; None where there is no teacher."""


def prepare(
    batch: TrainingBatch,
    *,
    processor: ClamrProcessor,
    documents_per_group: int | None = None,
    view: View | None = None,
    sharded: bool = False,
) -> PreparedBatch:
    """Tokenise, patchify, label.

    Args:
        documents_per_group: documents in one forward pass; None makes ``NUM_GROUPS`` passes, fewer for fewer documents.
        view: what is encoded of each document, and which questions train it; None: all.
        sharded: the model's weights lie in several processes, which must make equally many passes through the same
            layers: always ``NUM_GROUPS``, of which some may come to nothing, each with frames.

    Raises:
        InputError: no document or no query in this view, ``documents_per_group`` < 1, or with ``sharded``; a target
            that the model does not know; or ``sharded`` and too few documents have frames.
    """
    if view is not None:
        batch = replace(batch, queries=tuple(query for query in batch.queries if view.trains_on(query.target)))
    if not batch.documents or not batch.queries:
        raise InputError(
            f"a batch needs documents and queries, got {len(batch.documents)} and {len(batch.queries)} of them"
        )
    queries, _ = processor.process_queries([query.text for query in batch.queries])
    frames, whole = relations(batch)
    return PreparedBatch(
        groups=_groups(batch, processor=processor, size=documents_per_group, view=view or View(), sharded=sharded),
        queries=queries,
        frame_counts=[document.num_candidates for document in batch.documents],
        frame_relations=frames,
        document_relations=whole,
        targets=[query.target for query in batch.queries],
        target_ids=torch.tensor([_target_id(query.target, processor) for query in batch.queries]),
        joint=torch.tensor(["+" in query.target for query in batch.queries]),
        answer_keys=[hash_keys(query.answer_keys) for query in batch.queries],
        document_keys=hash_keys(batch.document_keys) if batch.document_keys else None,
        question_keys=question_keys(batch) if batch.document_keys else None,
        teacher_scores=_teacher_scores(batch),
    )


def collate(
    batches: Sequence[TrainingBatch | PreparedBatch],
    *,
    processor: ClamrProcessor,
    view: View | None = None,
    sharded: bool = False,
) -> dict[str, PreparedBatch]:
    """For data sets whose items are whole batches: the trainer asks for one at a time. See :func:`prepare`.

    Raises:
        InputError: asked for several at once.
    """
    if len(batches) != 1:
        raise InputError(f"items are whole batches: set per_device_train_batch_size to 1, got {len(batches)} at once")
    (batch,) = batches
    if not isinstance(batch, PreparedBatch):
        batch = prepare(batch, processor=processor, view=view, sharded=sharded)
    return {"batch": batch}


def _groups(
    batch: TrainingBatch, *, processor: ClamrProcessor, size: int | None, view: View, sharded: bool
) -> list[DocumentGroup]:
    parts = [(part, owner) for owner, document in enumerate(batch.documents) for part in view.parts(document)]

    def length(position: int) -> tuple[int, int]:
        document = parts[position][0]
        return len(document.frames), sum(len(segment.text) for segment in document.texts)

    if size is not None and (size < 1 or sharded):
        raise InputError(f"documents_per_group must be at least 1, and None with sharded weights, got {size}")
    if not parts:
        raise InputError(f"no document of the batch has a {view.modality}")
    ordered = sorted(range(len(parts)), key=length)
    groups = _in_passes(ordered) if size is None else [ordered[at : at + size] for at in range(0, len(ordered), size)]
    again = groups[-1:] * (NUM_GROUPS - len(groups)) if sharded else []
    if sharded and not all(any(len(parts[i][0].frames) for i in group) for group in groups):
        raise InputError(
            "sharded weights need frames in every forward pass, and too many documents of a batch have none; leave "
            "rows without frames out, or train without --fsdp and --deepspeed"
        )
    return [
        DocumentGroup(
            processor.process_documents([parts[i][0] for i in group], normalize=False)[0],
            [parts[i][1] for i in group],
            processor.image_mean,
            processor.image_std,
            counts=number < len(groups),
        )
        for number, group in enumerate([*groups, *again])
    ]


def _in_passes(ordered: list[int]) -> list[list[int]]:
    num_passes = min(NUM_GROUPS, len(ordered))
    ends = [round(len(ordered) * (number + 1) / num_passes) for number in range(num_passes)]
    return [ordered[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _target_id(target: str, processor: ClamrProcessor) -> int:
    return NO_TARGET if not target or "+" in target else processor.modality_id(target)


def _teacher_scores(batch: TrainingBatch) -> torch.Tensor | None:
    if not any(query.teacher_scores for query in batch.queries):
        return None
    scores = torch.full((len(batch.queries), len(batch.documents)), torch.nan)
    for row, query in enumerate(batch.queries):
        for document, score in query.teacher_scores:
            scores[row, document] = score
    return scores
