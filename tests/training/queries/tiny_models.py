"""Tiny chat models of the real classes with random weights, one of them with eyes."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from clamr_select.training.tokenizer import train_tokenizer

TEXT_TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
PICTURE_TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {% for part in m.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}\n{% endfor %}assistant:"
)
PICTURE_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
LOUDNESS = 8.0
"""Weights are this many times larger than the class draws them, or what is read would hardly change what is said."""


def save_text_model(directory: Path) -> None:
    tokenizer = _tokenizer()
    tokenizer.chat_template = TEXT_TEMPLATE
    tokenizer.save_pretrained(directory)
    torch.manual_seed(0)
    ids = {"bos_token_id": None, "eos_token_id": 0, "pad_token_id": 0}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **SIZES, **ids)).save_pretrained(directory)


def save_picture_model(directory: Path) -> None:
    tokenizer = _tokenizer()
    tokenizer.add_special_tokens({"extra_special_tokens": list(PICTURE_TOKENS)})
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(), tokenizer, Qwen2VLVideoProcessor(), chat_template=PICTURE_TEMPLATE
    )
    token_id = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            **SIZES,
            "vocab_size": len(tokenizer),
            "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]},
            "bos_token_id": None,
            "eos_token_id": 0,
            "pad_token_id": 0,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [0],
        },
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
    )
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(LOUDNESS)
    model.save_pretrained(directory)
    processor.save_pretrained(directory)


def _tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(["harbor lantern glacier moves slowly"] * 3, vocab_size=300)
