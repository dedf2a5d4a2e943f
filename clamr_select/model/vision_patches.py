"""The first layer of the vision tower as one product.

A convolution whose stride is its kernel looks at every patch once, so it is a matrix product; torch's own convolution
takes several times as long for it on a CPU. Same weights under the same name, same result.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional


class PatchProjection(nn.Conv3d):
    """A ``Conv3d`` that is given whole patches."""

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(num_patches, channels, *kernel_size) to (num_patches, out_channels)."""
        return functional.linear(patches.flatten(1), self.weight.flatten(1), self.bias)


def project_patches(vlm: nn.Module) -> None:
    """Put a :class:`PatchProjection` in the place of a fresh bare model's patch embedding."""
    embed = cast("Any", vlm).visual.patch_embed
    old = embed.proj
    size = {"kernel_size": old.kernel_size, "stride": old.stride, "bias": old.bias is not None}
    embed.proj = PatchProjection(old.in_channels, old.out_channels, **size, device="meta")
    # the same tensors, and transformers' mark that they are drawn: else it draws these, and what follows, anew
    embed.proj.weight, embed.proj.bias = old.weight, old.bias
    embed.proj._is_hf_initialized = getattr(old, "_is_hf_initialized", False)
