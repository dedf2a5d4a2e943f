"""Fewer tokens a frame: those that are alike become one, by spherical k-means within each frame.

As token pooling for late interaction (Clavié et al., arXiv 2409.14683), whose clusters are Ward's; here all frames of a
video are clustered at once, and no further package is needed.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from clamr_select.errors import InputError, unknown_name
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings

NUM_ROUNDS = 5
FRAMES_AT_ONCE = 512


def pool_tokens(tokens: TokenEmbeddings, *, factor: int, modality: str = "video") -> TokenEmbeddings:
    """A frame's n tokens of a modality as ceil(n / factor) at most, each the normalised mean of those it stands for.

    A mean stands where the first of its tokens stood. Other modalities, prompt and padding are left as they are.

    Raises:
        InputError: ``factor`` below 1.
        UnknownNameError: no such modality.
    """
    if factor < 1:
        raise InputError(f"the pooling factor must be at least 1, got {factor}")
    if modality not in tokens.modalities:
        raise unknown_name("modality", modality, tokens.modalities)
    if factor == 1:
        return tokens
    of_modality = tokens.modality_ids == 1 + tokens.modalities.index(modality)
    pooled = (of_modality & (tokens.first_candidates != NO_CANDIDATE)).nonzero().squeeze(1)
    # tokens of the same candidates are a frame's
    keys = tokens.first_candidates[pooled] * tokens.num_candidates + tokens.last_candidates[pooled]
    order = torch.argsort(keys, stable=True)
    pooled = pooled[order]
    counts = torch.unique_consecutive(keys[order], return_counts=True)[1]
    starts = counts.cumsum(0) - counts
    vectors, kept = tokens.vectors.clone(), torch.ones(len(tokens), dtype=torch.bool)
    for count in counts.unique().tolist():
        of_count = starts[counts == count]
        for some in of_count.split(FRAMES_AT_ONCE):
            rows = pooled[some[:, None] + torch.arange(count)]
            means, members = _clusters(tokens.vectors[rows].float(), num_clusters=-(-count // factor))
            first_of_cluster, filled = _first_members(members, num_clusters=means.shape[1])
            kept[rows.flatten()] = False
            represented = torch.gather(rows, 1, first_of_cluster)[filled]
            kept[represented] = True
            vectors[represented] = means[filled].to(vectors.dtype)
    return replace(
        tokens,
        vectors=vectors[kept],
        modality_ids=tokens.modality_ids[kept],
        first_candidates=tokens.first_candidates[kept],
        last_candidates=tokens.last_candidates[kept],
    )


def _clusters(vectors: torch.Tensor, *, num_clusters: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each frame's (num_frames, num_tokens, dim): means (num_frames, num_clusters, dim), and each token's cluster.

    Started from tokens that are as unlike as can be, the first of them always: nothing is drawn at random.
    """
    frames = torch.arange(len(vectors))
    similarities = vectors @ vectors.transpose(1, 2)
    chosen = torch.zeros(len(vectors), num_clusters, dtype=torch.long)
    nearest = similarities[:, 0].clone()
    for number in range(1, num_clusters):
        chosen[:, number] = nearest.argmin(dim=1)
        nearest = torch.maximum(nearest, similarities[frames, chosen[:, number]])
    means = vectors[frames[:, None], chosen]
    members = (vectors @ means.transpose(1, 2)).argmax(dim=2)
    for _ in range(NUM_ROUNDS):
        sums = torch.zeros_like(means)
        sums.scatter_add_(1, members[:, :, None].expand_as(vectors), vectors)
        empty = sums.abs().amax(dim=2, keepdim=True) == 0
        means = torch.where(empty, means, torch.nn.functional.normalize(sums, dim=2))
        members = (vectors @ means.transpose(1, 2)).argmax(dim=2)
    return means, members


def _first_members(members: torch.Tensor, *, num_clusters: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(num_frames, num_clusters): the first token of each cluster, and whether it has one."""
    num_frames, num_tokens = members.shape
    first = torch.full((num_frames, num_clusters), num_tokens)
    first.scatter_reduce_(1, members, torch.arange(num_tokens).expand_as(members), "amin")
    filled = first < num_tokens
    return first.clamp(max=num_tokens - 1), filled
