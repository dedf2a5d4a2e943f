"""Floating-point operations of encoding, counted from shapes: two a weight and token, and those of attention.

Counted is what must be computed: real tokens, no padding; half of a causal square.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from clamr_select.model import ClamrForRetrieval


def document_flops(model: ClamrForRetrieval, inputs: Any) -> float:
    """Of one forward pass over what the processor made of documents with frames."""
    config: Any = model.config.vlm_config
    lengths = inputs["attention_mask"].sum(dim=1).double()
    text, vision = config.text_config, config.vision_config
    vlm: Any = model.vlm
    total = (
        2 * float(lengths.sum()) * (_linear_weights(vlm.language_model) + _linear_weights(model.embedding_proj_layer))
    )
    attended = text.num_attention_heads * getattr(text, "head_dim", text.hidden_size // text.num_attention_heads)
    total += text.num_hidden_layers * 2 * attended * float((lengths**2).sum())
    grids = inputs["video_grid_thw"]
    patches = float(grids.prod(dim=1).sum())
    total += 2 * patches * (_linear_weights(vlm.visual.blocks) + vlm.visual.patch_embed.proj.weight.numel())
    total += 2 * patches / vision.spatial_merge_size**2 * _linear_weights(vlm.visual.merger)
    num_full = len(vision.fullatt_block_indexes)
    window = vision.window_size // vision.patch_size
    for steps, height, width in grids.tolist():
        full = (height * width) ** 2
        windowed = _squares(height, window) * _squares(width, window)
        layers = num_full * full + (vision.depth - num_full) * windowed
        total += 4 * vision.hidden_size * steps * layers
    return total


def _squares(side: int, window: int) -> int:
    """Sum of the squared parts of a side that is cut into windows."""
    whole, rest = divmod(side, window)
    return whole * window**2 + rest**2


def _linear_weights(module: nn.Module) -> int:
    return sum(part.weight.numel() for part in module.modules() if isinstance(part, nn.Linear))
