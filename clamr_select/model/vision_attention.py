"""Vision attention in one call where all windows have one length.

Without flash attention, upstream loops over windows one by one; here windows of one length, which small frames give by
the hundred, are attended to together. Same weights, same result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniVisionAttention
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VLVisionAttention,
    apply_rotary_pos_emb_vision,
    eager_attention_forward,
)

FLASH = "flash"


class BatchedVisionAttention(Qwen2_5_VLVisionAttention):
    """Of Qwen2.5-VL."""

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
        states = self.qkv(hidden_states).reshape(len(hidden_states), 3, self.num_heads, -1)
        return self.proj(attend(self, states.unbind(1), cu_seqlens, position_embeddings))


class BatchedOmniVisionAttention(Qwen2_5OmniVisionAttention):
    """Of Qwen2.5-Omni, whose query, key and value are linears of their own."""

    def forward(  # type: ignore[override]  # rotary embeddings are always given here
        self,
        hidden_states: torch.Tensor,
        cu_seqlens: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        **kwargs: Any,
    ) -> torch.Tensor:
        """Args as upstream: (num_patches, hidden), (num_windows + 1,), two of (num_patches, head_dim)."""
        if FLASH in str(self.config._attn_implementation):
            both: Any = position_embeddings  # annotated as one tensor upstream
            return super().forward(hidden_states, cu_seqlens=cu_seqlens, position_embeddings=both, **kwargs)
        linears = (self.q, self.k, self.v)
        states = tuple(linear(hidden_states).reshape(len(hidden_states), self.num_heads, -1) for linear in linears)
        return self.proj(attend(self, states, cu_seqlens, position_embeddings))


def attend(
    module: Any,
    states: tuple[torch.Tensor, ...],
    cu_seqlens: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """(num_patches, hidden) of the query, key and value ``states``, (num_patches, heads, head_dim) each."""
    query, key, value = states
    query, key = apply_rotary_pos_emb_vision(query, key, *position_embeddings)
    starts, lengths = cu_seqlens[:-1].long(), cu_seqlens.diff()
    patches, attended = [], []
    for length in lengths.unique().tolist():
        within = torch.arange(length, device=starts.device)
        members = starts[lengths == length][:, None] + within  # [windows, patches of a window]
        attended.append(_attend_windows(module, query[members], key[members], value[members]).flatten(0, 1))
        patches.append(members.flatten())
    order = torch.cat(patches).argsort()
    return torch.cat(attended)[order]


def _attend_windows(module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """(windows, patches, heads, head_dim) each to (windows, patches, hidden)."""
    function: Callable[..., Any] = ALL_ATTENTION_FUNCTIONS.get_interface(
        module.config._attn_implementation, eager_attention_forward
    )
    states = (state.transpose(1, 2) for state in (query, key, value))
    attended = function(module, *states, attention_mask=None, scaling=module.scaling, dropout=0.0, is_causal=False)[0]
    return attended.flatten(2)
