"""LoRA beside a quantised weight, as it was trained: ``Q(W) x + scaling * B A x``."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from clamr_select.model.checkpoint.pairs import LoraPair


class AdaptedLinear(nn.Module):
    """A quantised linear layer and its LoRA pair.

    Args:
        base: the layer.
        pair: read here, once.
        dtype: the pair is kept and computed in it.
    """

    def __init__(self, base: nn.Module, *, pair: LoraPair, dtype: torch.dtype) -> None:
        super().__init__()
        device = base.get_parameter("weight").device
        self.base = base
        self.scaling = pair.scaling
        self.lora_a = nn.Parameter(pair.read_a().to(device, dtype), requires_grad=False)
        self.lora_b = nn.Parameter(pair.read_b().to(device, dtype), requires_grad=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(…, in) to (…, out), in the dtype that comes in."""
        update = hidden_states.to(self.lora_a.dtype) @ self.lora_a.T @ self.lora_b.T
        return self.base(hidden_states) + (self.scaling * update).to(hidden_states.dtype)


def put_beside(model: nn.Module, pairs: Mapping[str, LoraPair], *, dtype: torch.dtype) -> None:
    """Wrap the named layers of the model, in place.

    Args:
        pairs: by the name of the layer.
    """
    for name, pair in pairs.items():
        parent, _, child = name.rpartition(".")
        owner = model.get_submodule(parent)
        setattr(owner, child, AdaptedLinear(owner.get_submodule(child), pair=pair, dtype=dtype))
