"""Models of the real classes with random weights, small enough for any machine: they answer nonsense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = {"shortest_edge": 28 * 28, "longest_edge": 32 * 32 * 32}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "bos_token_id": None,
}
ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
VISION = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
QWEN = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
SIDE = 112

Made = tuple[Any, Any]
"""(model, processor)"""


def byte_tokenizer(*special: str, **named: str) -> Any:
    """256 bytes and the special tokens: spells every prompt, learnt nothing."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    words = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<eos>", pad_token="<pad>", extra_special_tokens=named
    )
    words.add_special_tokens({"additional_special_tokens": [*special, *named.values()]})
    return words


def chat_template(image: str, video: str) -> str:
    return (
        "{% for m in messages %}{{ m.role }}: {% if m.content is string %}{{ m.content }}{% else %}"
        "{% for b in m.content %}{% if b.type == 'text' %}{{ b.text }}"
        f"{{% elif b.type == 'image' %}}{image}{{% else %}}{video}{{% endif %}}{{% endfor %}}"
        "{% endif %}\n{% endfor %}"
    )


def _qwen_template() -> str:
    image, video = (f"<|vision_start|><|{kind}_pad|><|vision_end|>" for kind in ("image", "video"))
    return chat_template(image, video)


def _ids(words: Any, **names: str) -> dict[str, int]:
    return {name: words.convert_tokens_to_ids(token) for name, token in names.items()}


def _text(words: Any, **more: Any) -> dict[str, Any]:
    special = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    return {**TEXT, **special, "vocab_size": len(words), **more}


def _qwen_ids(words: Any) -> dict[str, Any]:
    return _ids(
        words,
        image_token_id="<|image_pad|>",
        video_token_id="<|video_pad|>",
        vision_start_token_id="<|vision_start|>",
        vision_end_token_id="<|vision_end|>",
    )


def qwen2_5_vl() -> Made:
    import transformers as tf

    words = byte_tokenizer(*QWEN)
    processor = tf.Qwen2_5_VLProcessor(
        tf.Qwen2VLImageProcessor(size=SIZE), words, tf.Qwen2VLVideoProcessor(size=SIZE), chat_template=_qwen_template()
    )
    config = tf.Qwen2_5_VLConfig(
        text_config=_text(words, rope_scaling=ROPE),
        vision_config={**VISION, "fullatt_block_indexes": [0], "window_size": 56},
        **_qwen_ids(words),
    )
    return tf.Qwen2_5_VLForConditionalGeneration(config), processor


def qwen3_vl() -> Made:
    import transformers as tf

    words = byte_tokenizer(*QWEN)
    processor = tf.Qwen3VLProcessor(
        tf.Qwen2VLImageProcessor(patch_size=16, size=SIZE),
        words,
        tf.Qwen3VLVideoProcessor(size=SIZE),
        chat_template=_qwen_template(),
    )
    config = tf.Qwen3VLConfig(
        text_config=_text(words, head_dim=16, rope_scaling={**ROPE, "mrope_interleaved": True}),
        vision_config={**VISION, "patch_size": 16, "deepstack_visual_indexes": [0], "num_position_embeddings": 16},
        **_qwen_ids(words),
    )
    return tf.Qwen3VLForConditionalGeneration(config), processor


MODELS: dict[str, Callable[[], Made]] = {"qwen2_5_vl": qwen2_5_vl, "qwen3_vl": qwen3_vl}
"""lmms-eval's name of a base to its model."""


def save_model(name: str, folder: Path) -> Path:
    """Write model and processor as their own ``save_pretrained`` do; the same weights every time."""
    import torch

    torch.manual_seed(0)
    model, processor = MODELS[name]()
    model.to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
