"""Vision attention in one call where all windows have one length.

Without flash attention, upstream loops over windows one by one; here windows of one length, which small frames give by
the hundred, are attended to together. Same weights, same result.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
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
    windows = _windows(cu_seqlens)
    if windows.members is None:  # all of one length, one after the other: a view will do
        shape = (-1, windows.length, *query.shape[1:])
        return _attend_windows(module, query.view(shape), key.view(shape), value.reshape(shape)).flatten(0, 1)
    attended = [
        _attend_windows(module, query[members], key[members], value[members]).flatten(0, 1)
        for members in windows.members
    ]
    return torch.cat(attended)[windows.order]


@dataclass(frozen=True)
class _Windows:
    """Windows grouped by length."""

    length: int = 0
    """Of all windows, where they share one."""
    members: list[torch.Tensor] | None = None
    """(num_windows, length) int64 patches, for each length; None where there is one length."""
    order: torch.Tensor | None = None
    """(num_patches,) int64, that puts the groups' patches back in place."""


_WINDOWS: dict[int, tuple[weakref.ref[torch.Tensor], _Windows]] = {}
"""Of the tensors that the layers of one forward pass share: looked up again, they would be copied to the CPU in every
layer, and a GPU would wait for it."""


def _windows(cu_seqlens: torch.Tensor) -> _Windows:
    known = _WINDOWS.get(id(cu_seqlens))
    if known is not None and known[0]() is cu_seqlens:
        return known[1]
    for gone in [key for key, (reference, _) in list(_WINDOWS.items()) if reference() is None]:
        _WINDOWS.pop(gone, None)
    windows = _grouped(cu_seqlens)
    _WINDOWS[id(cu_seqlens)] = (weakref.ref(cu_seqlens), windows)
    return windows


def _grouped(cu_seqlens: torch.Tensor) -> _Windows:
    starts, lengths = cu_seqlens[:-1].long(), cu_seqlens.diff()
    distinct = lengths.unique().tolist()
    if len(distinct) == 1:
        return _Windows(length=distinct[0])
    members = [
        starts[lengths == length][:, None]
        + torch.arange(length, device=starts.device)  # [windows, patches of a window]
        for length in distinct
    ]
    return _Windows(members=members, order=torch.cat([group.flatten() for group in members]).argsort())


def _attend_windows(module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """(windows, patches, heads, head_dim) each to (windows, patches, hidden)."""
    function: Callable[..., Any] = ALL_ATTENTION_FUNCTIONS.get_interface(
        module.config._attn_implementation, eager_attention_forward
    )
    states = (state.transpose(1, 2) for state in (query, key, value))
    attended = function(module, *states, attention_mask=None, scaling=module.scaling, dropout=0.0, is_causal=False)[0]
    return attended.flatten(2)
