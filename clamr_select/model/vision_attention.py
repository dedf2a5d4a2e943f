"""Vision attention in one call where all windows have one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VLVisionAttention,
    apply_rotary_pos_emb_vision,
    eager_attention_forward,
)

FLASH = "flash"


class BatchedVisionAttention(Qwen2_5_VLVisionAttention):
    """Same weights, same result. Without flash attention, upstream loops over windows one by one; small
    frames of one size give windows of one length, which one batched call attends to."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        cu_seqlens: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        **kwargs: Any,
    ) -> torch.Tensor:
        """Args as upstream: (num_patches, hidden), (num_windows + 1,), two of (num_patches, head_dim)."""
        num_patches, num_windows = hidden_states.shape[0], len(cu_seqlens) - 1
        lengths = cu_seqlens.diff()
        if FLASH in str(self.config._attn_implementation) or bool((lengths != lengths[0]).any()):
            return super().forward(
                hidden_states, cu_seqlens=cu_seqlens, position_embeddings=position_embeddings, **kwargs
            )
        states = self.qkv(hidden_states).reshape(num_patches, 3, self.num_heads, -1)
        query, key, value = states.permute(1, 0, 2, 3).unbind(0)
        query, key = apply_rotary_pos_emb_vision(query, key, *position_embeddings)
        query, key, value = (
            state.reshape(num_windows, num_patches // num_windows, self.num_heads, -1).transpose(1, 2)
            for state in (query, key, value)
        )  # [windows, heads, patches of a window, head_dim]
        attend: Callable[..., Any] = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        attended = attend(
            self, query, key, value, attention_mask=None, scaling=self.scaling, dropout=0.0, is_causal=False
        )[0]
        return self.proj(attended.reshape(num_patches, -1))
