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
    """Same weights, same result. Without flash attention, upstream loops over windows one by one; here
    windows of one length, which small frames give by the hundred, are attended to in one call."""

    def forward(  # type: ignore[override]  # rotary embeddings are always given here
        self,
        hidden_states: torch.Tensor,
        cu_seqlens: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        **kwargs: Any,
    ) -> torch.Tensor:
        """Args as upstream: (num_patches, hidden), (num_windows + 1,), two of (num_patches, head_dim)."""
        if FLASH in str(self.config._attn_implementation):
            return super().forward(
                hidden_states, cu_seqlens=cu_seqlens, position_embeddings=position_embeddings, **kwargs
            )
        num_patches = hidden_states.shape[0]
        states = self.qkv(hidden_states).reshape(num_patches, 3, self.num_heads, -1)
        query, key, value = states.permute(1, 0, 2, 3).unbind(0)
        query, key = apply_rotary_pos_emb_vision(query, key, *position_embeddings)
        starts, lengths = cu_seqlens[:-1].long(), cu_seqlens.diff()
        patches, attended = [], []
        for length in lengths.unique().tolist():
            within = torch.arange(length, device=starts.device)
            members = starts[lengths == length][:, None] + within  # [windows, patches of a window]
            attended.append(self._attend(query[members], key[members], value[members]).flatten(0, 1))
            patches.append(members.flatten())
        order = torch.cat(patches).argsort()
        return self.proj(torch.cat(attended)[order])

    def _attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """(windows, patches, heads, head_dim) each to (windows, patches, hidden)."""
        attend: Callable[..., Any] = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        states = (state.transpose(1, 2) for state in (query, key, value))
        attended = attend(self, *states, attention_mask=None, scaling=self.scaling, dropout=0.0, is_causal=False)[0]
        return attended.flatten(2)
