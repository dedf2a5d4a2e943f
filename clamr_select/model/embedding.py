"""One forward pass, and its rows as labelled tokens: shared by inference and training."""

from __future__ import annotations

from typing import Any

import torch

from clamr_select.model.modeling_clamr import ClamrForRetrieval
from clamr_select.scoring.tokens import TokenEmbeddings

MODEL_INPUTS = (
    "input_ids",
    "position_ids",
    "pixel_values_videos",
    "video_grid_thw",
    "input_features",
    "feature_attention_mask",
)


def embed(model: ClamrForRetrieval, inputs: Any) -> torch.Tensor:
    """(batch, tokens, dim) on the model's device, of what the processor made."""
    return model(**{name: inputs[name].to(model.device) for name in MODEL_INPUTS if name in inputs}).embeddings


def label_tokens(
    embeddings: torch.Tensor,
    *,
    inputs: Any,
    row: int,
    num_candidates: int,
    modalities: tuple[str, ...],
    with_unlabelled: bool = False,
) -> TokenEmbeddings:
    """One document's (tokens, dim) embeddings with the labels of its row; padding, and the prompt, which has no
    modality and never scores, are left out.

    Args:
        with_unlabelled: keep the prompt, for reference scoring, where it scores.
    """
    keep = inputs["attention_mask"][row].bool() if with_unlabelled else inputs["modality_ids"][row] > 0
    return TokenEmbeddings(
        vectors=embeddings[keep],
        modality_ids=inputs["modality_ids"][row][keep],
        first_candidates=inputs["first_candidates"][row][keep],
        last_candidates=inputs["last_candidates"][row][keep],
        num_candidates=num_candidates,
        modalities=modalities,
    )
