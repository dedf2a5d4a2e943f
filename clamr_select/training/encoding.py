"""A prepared batch through the model, and the documents of all processes side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch.utils.checkpoint import checkpoint

from clamr_select.errors import InputError
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.embedding import embed
from clamr_select.model.pixels import normalize_patches
from clamr_select.scoring.segments import Segments, candidate_segments, group_tokens
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings
from clamr_select.training.distributed import gather_rows, num_processes, process_index
from clamr_select.training.prepared import DocumentGroup, PreparedBatch
from clamr_select.training.scores import QueryTokens

NOBODY = -1
"""Owner of tokens that no document is to have."""


@dataclass(frozen=True)
class EncodedDocuments:
    """Labelled tokens of several documents, in their order. Labels are on the CPU."""

    tokens: TokenEmbeddings
    """Candidates are numbered through all documents."""
    document_of_token: torch.Tensor
    """(num_tokens,) int64, ascending."""
    frame_counts: torch.Tensor
    """(num_documents,) int64."""

    def frame_rows(self) -> Segments:
        return candidate_segments(self.tokens)

    def document_rows(self) -> Segments:
        return group_tokens(
            torch.arange(len(self.tokens)),
            rows=self.document_of_token,
            modality_ids=self.tokens.modality_ids,
            num_rows=len(self.frame_counts),
            num_modalities=len(self.tokens.modalities),
        )


def encode_queries(model: ClamrForRetrieval, batch: PreparedBatch, *, cache_gradients: bool = False) -> QueryTokens:
    """The tokens of all queries, in the batch's order.

    Queries of like length go together, in as many passes as the documents take: in a single pass, half of what is
    computed would be padding. FSDP wants equally many passes of every process, so with fewer queries than passes the
    longest is encoded again.
    """
    mask = batch.queries["attention_mask"].bool()
    lengths = mask.sum(dim=1)
    order = lengths.argsort(stable=True)
    repeated = order[-1:].expand(max(0, len(batch.groups) - len(order)))
    vectors = []
    for rows in torch.cat([order, repeated]).tensor_split(len(batch.groups)):
        longest = int(lengths[rows].max())
        embeddings = _forward(model, _queries_of(batch.queries, rows, longest), cache_gradients)
        vectors.append(embeddings[mask[rows, :longest].to(embeddings.device)])
    owners = order.repeat_interleave(lengths[order])
    back = owners.argsort(stable=True)  # the repeated ones stand at the end and are left out
    return QueryTokens(torch.cat(vectors)[back.to(vectors[0].device)], owners[back], len(mask))


def _queries_of(queries: Mapping[str, torch.Tensor], rows: torch.Tensor, longest: int) -> dict[str, torch.Tensor]:
    """Some of the queries, cut to the longest of them: they are padded on the right."""
    return {name: queries[name][..., rows, :longest] for name in ("input_ids", "position_ids")}


def encode_documents(
    model: ClamrForRetrieval, batch: PreparedBatch, *, cache_gradients: bool = False
) -> EncodedDocuments:
    """All documents' tokens, in the batch's order whatever the groups.

    Args:
        cache_gradients: GradCache (Gao et al., arXiv 2101.06983): every group is encoded without keeping its
            activations, and encoded again when its gradient arrives, one group after the other. Memory holds one
            group's activations, whatever the batch; dropout draws the same numbers both times.

    Raises:
        InputError: an embedding is not finite; names the document.
    """
    frame_counts = torch.tensor(batch.frame_counts)
    starts = frame_counts.cumsum(0) - frame_counts
    vectors, labels = [], []
    for group in batch.groups:
        embeddings = _forward(model, _with_numbers(group, device=model.device), cache_gradients)
        keep = group.inputs["modality_ids"] > 0  # prompt and padding never score
        positions = torch.tensor(group.positions if group.counts else [NOBODY] * len(group.positions))
        owners = positions[:, None].expand_as(keep)[keep]
        timed = group.inputs["first_candidates"][keep] != NO_CANDIDATE
        shifts = torch.where(timed, starts[owners], 0)  # whatever it is for nobody's
        candidates = (group.inputs[name][keep] + shifts for name in ("first_candidates", "last_candidates"))
        vectors.append(embeddings[keep.to(embeddings.device)])
        labels.append(torch.stack([owners, group.inputs["modality_ids"][keep], *candidates]))
    joined = torch.cat(labels, dim=1)
    order = joined[0].argsort(stable=True)
    order = order[joined[0, order] != NOBODY]  # their gradient is zero, and arrives
    flat = torch.cat(vectors)[order.to(vectors[0].device)]
    _check_finite(flat, joined[0, order])
    return _assemble(flat, joined[:, order], frame_counts, tuple(model.config.modalities))


def gather_documents(documents: EncodedDocuments) -> EncodedDocuments:
    """The documents of all processes, process by process, with gradient."""
    if num_processes() == 1:
        return documents
    tokens = documents.tokens
    device = tokens.vectors.device
    counts = [part.cpu() for part in gather_rows(documents.frame_counts.to(device))]
    labels = [part.cpu().T for part in gather_rows(_labels(documents).T.contiguous().to(device))]
    vectors = torch.cat(gather_rows(tokens.vectors))
    return _assemble(vectors, _renumbered(labels, counts), torch.cat(counts), tokens.modalities)


def side_by_side(parts: Sequence[EncodedDocuments]) -> EncodedDocuments:
    """The documents of all parts, which have the same modalities, in their order."""
    counts = [part.frame_counts for part in parts]
    vectors = torch.cat([part.tokens.vectors for part in parts])
    labels = _renumbered([_labels(part) for part in parts], counts)
    return _assemble(vectors, labels, torch.cat(counts), parts[0].tokens.modalities)


def detached(documents: EncodedDocuments) -> EncodedDocuments:
    """The same on the CPU in float32, without gradient."""
    vectors = documents.tokens.vectors.detach().float().cpu()
    return replace(documents, tokens=replace(documents.tokens, vectors=vectors))


def _with_numbers(group: DocumentGroup, *, device: torch.device) -> dict[str, torch.Tensor]:
    """The group's inputs with pixels normalised on the model's device: as bytes they travel four times faster."""
    inputs = dict(group.inputs)
    if "pixel_values_videos" in inputs:
        pixels = inputs["pixel_values_videos"].to(device)
        inputs["pixel_values_videos"] = normalize_patches(pixels, mean=group.image_mean, std=group.image_std)
    return inputs


def _forward(model: ClamrForRetrieval, inputs: object, cache_gradients: bool) -> torch.Tensor:
    if cache_gradients and torch.is_grad_enabled():
        return checkpoint(embed, model, inputs, use_reentrant=False)
    return embed(model, inputs)


def _labels(documents: EncodedDocuments) -> torch.Tensor:
    """(4, num_tokens): document, modality, first and last candidate, as :func:`_assemble` takes them."""
    tokens = documents.tokens
    return torch.stack(
        [documents.document_of_token, tokens.modality_ids, tokens.first_candidates, tokens.last_candidates]
    )


def _renumbered(labels: Sequence[torch.Tensor], counts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Labels of several parts as one, documents and candidates numbered through.

    Args:
        labels: of :func:`_labels`.
        counts: (num_documents,) frames of each part's documents.
    """
    shifted, num_documents, num_frames = [], 0, 0
    for part, frames in zip(labels, counts, strict=True):
        table = part.clone()
        table[0] += num_documents
        table[2:] = torch.where(table[2:] == NO_CANDIDATE, NO_CANDIDATE, table[2:] + num_frames)
        shifted.append(table)
        num_documents, num_frames = num_documents + len(frames), num_frames + int(frames.sum())
    return torch.cat(shifted, dim=1)


def _assemble(
    vectors: torch.Tensor, labels: torch.Tensor, frame_counts: torch.Tensor, modalities: tuple[str, ...]
) -> EncodedDocuments:
    """From (num_tokens, dim) and (4, num_tokens): document, modality, first and last candidate."""
    tokens = TokenEmbeddings(
        vectors=vectors,
        modality_ids=labels[1],
        first_candidates=labels[2],
        last_candidates=labels[3],
        num_candidates=int(frame_counts.sum()),
        modalities=modalities,
    )
    return EncodedDocuments(tokens, labels[0], frame_counts)


def _check_finite(vectors: torch.Tensor, owners: torch.Tensor) -> None:
    bad = ~torch.isfinite(vectors).all(dim=1)
    if bool(bad.any()):
        positions = owners[bad.cpu()].unique().tolist()
        raise InputError(
            f"process {process_index()}: documents {positions} of the batch have embeddings that are not finite; "
            "the encoder overflowed: lower the learning rate, or train in bf16 instead of fp16"
        )
