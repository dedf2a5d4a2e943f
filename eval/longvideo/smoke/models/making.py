"""What tiny models are made of: a tokenizer of bytes, a chat template, and sizes."""

from __future__ import annotations

from typing import Any

SIZE: dict[str, Any] = {"shortest_edge": 28 * 28, "longest_edge": 32 * 32 * 32}
SIDE = 112
SQUARE: dict[str, Any] = {"height": SIDE, "width": SIDE}
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "bos_token_id": None,
}
VISION: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}

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


def ids(words: Any, **names: str) -> dict[str, Any]:
    return {name: words.convert_tokens_to_ids(token) for name, token in names.items()}


def text(words: Any, **more: Any) -> dict[str, Any]:
    """The configuration of a language model for this tokenizer."""
    special = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    return {**TEXT, **special, "vocab_size": len(words), **more}
