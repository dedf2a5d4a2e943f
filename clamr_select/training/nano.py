"""The shape of ``clamr-nano``: the real classes, a few million parameters."""

from __future__ import annotations

import torch
from transformers import PreTrainedTokenizerFast

from clamr_select.model import ClamrConfig, ClamrForRetrieval, ClamrProcessor
from clamr_select.training.tokenizer import END_OF_TEXT, VIDEO_PAD, VISION_END, VISION_START

NUM_QUERY_SUFFIX_TOKENS = 4
MAX_QUERY_TOKENS, MAX_TEXT_TOKENS = 96, 640
"""A quarter more than the class's own: nano's pieces are short, 2.7 to a word of English and not 2.2."""
EMBEDDING_STD = 0.3
MAX_PIXELS = 224 * 128
"""16:9 becomes 224x112 (32 visual tokens), 4:3 168x112."""


def nano_processor(tokenizer: PreTrainedTokenizerFast) -> ClamrProcessor:
    """No chat turn around documents; else as the released model's."""
    return ClamrProcessor(
        tokenizer,
        num_query_suffix_tokens=NUM_QUERY_SUFFIX_TOKENS,
        max_query_tokens=MAX_QUERY_TOKENS,
        max_text_tokens=MAX_TEXT_TOKENS,
        document_prefix="",
        document_suffix="",
        max_pixels=MAX_PIXELS,
        time_interval=2.0,
    )


def nano_model(tokenizer: PreTrainedTokenizerFast) -> ClamrForRetrieval:
    """A fresh model, seeded by torch's global generator.

    Token embeddings start fifteen times larger than the class's own: then what a token is outweighs what
    untrained layers make of it, equal words meet from the first step on, and text need not be discovered
    (docs/log.md; at 0.02 nothing was learned in 240 steps).
    """
    model = ClamrForRetrieval(nano_config(tokenizer))
    torch.nn.init.normal_(model.get_input_embeddings().get_parameter("weight"), std=EMBEDDING_STD)
    return model


def nano_config(tokenizer: PreTrainedTokenizerFast, *, hidden_size: int = 192, num_text_layers: int = 4) -> ClamrConfig:
    """Qwen2.5-VL shrunk; every size that is not here is the class's own."""
    num_heads = hidden_size // 32
    token_id = tokenizer.convert_tokens_to_ids
    return ClamrConfig(
        vlm_config={
            "model_type": "qwen2_5_vl",
            "text_config": {
                "vocab_size": len(tokenizer),
                "hidden_size": hidden_size,
                "intermediate_size": 3 * hidden_size,
                "num_hidden_layers": num_text_layers,
                "num_attention_heads": num_heads,
                "num_key_value_heads": num_heads,
                "max_position_embeddings": 4096,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 10_000.0,
                    "mrope_section": [4, 6, 6],
                },
                "bos_token_id": None,
                "eos_token_id": token_id(END_OF_TEXT),
                "pad_token_id": None,
            },
            "vision_config": {
                "depth": 3,
                "hidden_size": hidden_size,
                "intermediate_size": 2 * hidden_size,
                "num_heads": num_heads,
                "out_hidden_size": hidden_size,
                "fullatt_block_indexes": [0, 1, 2],
                "tokens_per_second": 2,
            },
            "image_token_id": token_id(VIDEO_PAD),
            "video_token_id": token_id(VIDEO_PAD),
            "vision_start_token_id": token_id(VISION_START),
            "vision_end_token_id": token_id(VISION_END),
        }
    )
