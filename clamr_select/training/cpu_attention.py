"""Attention in float32 inside a step that computes in bfloat16 on a CPU.

There, torch's backward pass of scaled dot-product attention takes several times as long in bfloat16 as in float32, and
the whole step would be no faster than in float32. Measured in docs/log.md.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from clamr_select.model import ClamrForRetrieval

NAME = "sdpa_float32"


def attend_in_float32(model: ClamrForRetrieval) -> None:
    """Every attention of ``model`` in float32, whatever autocast says around it."""
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """As transformers' own for ``sdpa``: (batch, heads, length, head_dim) each."""
    if attention_mask is not None and attention_mask.is_floating_point():
        attention_mask = attention_mask.float()
    with torch.autocast(query.device.type, enabled=False):
        attended, weights = sdpa_attention_forward(
            module, query.float(), key.float(), value.float(), attention_mask, **options
        )
    return attended.to(query.dtype), weights
