"""Models of a stated shape with random weights, made where they will run: speed needs no training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import torch

from clamr_select.errors import unknown_name
from clamr_select.model import ClamrConfig, ClamrForRetrieval
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.loading import load
from clamr_select.model.processing_clamr import ClamrProcessor

Shape = Literal["tiny", "100m", "qwen2_5_vl_3b"]

_TEXT: dict[str, dict[str, Any]] = {
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "vocab_size": 8192,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]},
    },
    "100m": {
        "hidden_size": 768,
        "intermediate_size": 2048,
        "num_hidden_layers": 10,
        "num_attention_heads": 12,
        "num_key_value_heads": 4,
        "vocab_size": 8192,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [8, 12, 12]},
    },
    "qwen2_5_vl_3b": {
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "vocab_size": 151936,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [16, 24, 24]},
    },
}
_VISION: dict[str, dict[str, Any]] = {
    "tiny": {"depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2, "fullatt_block_indexes": [1]},
    "100m": {
        "depth": 8,
        "hidden_size": 384,
        "intermediate_size": 1024,
        "num_heads": 6,
        "fullatt_block_indexes": [3, 7],
    },
    "qwen2_5_vl_3b": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
}
"""The 3B one as its config.json has it (Qwen/Qwen2.5-VL-3B-Instruct)."""
SIDE_PIXELS = 224
"""Frames of published use: 64 merged visual tokens each."""


def shaped_encoder(
    shape: Shape, *, device: str | torch.device, dtype: torch.dtype = torch.float32, seed: int = 0
) -> ClamrEncoder:
    """An encoder of a shape, its weights drawn on the device; nano's tokenizer, frames of 224 x 224.

    Raises:
        UnknownNameError: there is no such shape.
    """
    if shape not in get_args(Shape):
        raise unknown_name("shape", shape, get_args(Shape))
    processor = nano_processor()
    torch.manual_seed(seed)
    with torch.device(device), _default_dtype(dtype):
        model = ClamrForRetrieval(_config(shape, processor)).eval()
    return ClamrEncoder(model, processor=processor, name=f"{shape}, random weights")


def nano_processor() -> ClamrProcessor:
    """Nano's, for frames of 224 x 224."""
    processor = copy.copy(load("clamr-nano", device="cpu", device_map=None)[1])
    processor.max_pixels = SIDE_PIXELS**2
    return processor


def _config(shape: Shape, processor: ClamrProcessor) -> ClamrConfig:
    token_id = processor.tokenizer.convert_tokens_to_ids
    return ClamrConfig(
        modalities=processor.modalities,
        vlm_config={
            "model_type": "qwen2_5_vl",
            "text_config": {
                **_TEXT[shape],
                "bos_token_id": None,
                "eos_token_id": processor.tokenizer.eos_token_id,
                "pad_token_id": None,
            },
            "vision_config": {
                **_VISION[shape],
                "out_hidden_size": _TEXT[shape]["hidden_size"],
                "tokens_per_second": 2,
            },
            "image_token_id": token_id(processor.video_token),
            "video_token_id": token_id(processor.video_token),
            "vision_start_token_id": token_id(processor.vision_start_token),
            "vision_end_token_id": token_id(processor.vision_end_token),
        },
    )


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Weights are made in this dtype: the 3B model in float32 first would take twice its memory."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
