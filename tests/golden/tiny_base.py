"""Tiny random bases in the form that the hub's Qwen2.5-VL and Qwen2.5-Omni have: config, weights, tokenizer.

Runs under the transformers version whose layout is wanted; the project itself is not imported.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen2TokenizerFast

CORPUS = [
    "the harbor lantern swings over the glacier",
    "a walrus plays the cello in the band room",
    "Query: when does the bridge open? OCR: ASR: Description: Video: Audio:",
    "You are a helpful assistant. system user",
    "You are Qwen, a virtual human developed by the Qwen Team, Alibaba Group, capable of perceiving auditory and "
    "visual inputs, as well as generating text and speech.",
] * 4
PLAIN_SPECIALS = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
]
VL_SPECIALS = [
    *PLAIN_SPECIALS,
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
OMNI_SPECIALS = [
    *PLAIN_SPECIALS,
    "<|AUDIO|>",
    "<|audio_bos|>",
    "<|audio_eos|>",
    "<|IMAGE|>",
    "<|VIDEO|>",
    "<|vision_bos|>",
    "<|vision_eos|>",
    "<|vision_pad|>",
]
OMNI_NAMES = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
# Qwen's splitting of words before BPE
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# what the hub's templates print for the messages of the released processors: a system turn where none is
# given (VL), turns between <|im_start|> and <|im_end|>, placeholders between vision or audio marks
CHAT_TEMPLATE = """{%- for message in messages -%}
{%- if loop.first and message['role'] != 'system' -%}
{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{{ '<|im_start|>' + (message['role'] | default('', true)) + '\\n' }}
{%- if message['content'] is string -%}{{ message['content'] }}{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'video' -%}{{ 'VISION_BOS' + 'VIDEO_PAD' + 'VISION_EOS' }}
{%- elif part['type'] == 'image' -%}{{ 'VISION_BOS' + 'IMAGE_PAD' + 'VISION_EOS' }}
{%- elif part['type'] == 'audio' -%}{{ 'AUDIO_BOS' + 'AUDIO_PAD' + 'AUDIO_EOS' }}
{%- else -%}{{ part['text'] }}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}"""
VL_MARKS = {"VISION_BOS": "<|vision_start|>", "VISION_EOS": "<|vision_end|>"}
VL_MARKS |= {"VIDEO_PAD": "<|video_pad|>", "IMAGE_PAD": "<|image_pad|>"}
OMNI_MARKS = {"VISION_BOS": "<|vision_bos|>", "VISION_EOS": "<|vision_eos|>", "VIDEO_PAD": "<|VIDEO|>"}
OMNI_MARKS |= {
    "IMAGE_PAD": "<|IMAGE|>",
    "AUDIO_BOS": "<|audio_bos|>",
    "AUDIO_EOS": "<|audio_eos|>",
    "AUDIO_PAD": "<|AUDIO|>",
}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 4096,
    "rope_theta": 1000000.0,
    "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    "use_sliding_window": False,
}
VISION = {
    "depth": 2,
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_heads": 1,
    "out_hidden_size": 32,
    "patch_size": 14,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "window_size": 112,
    "fullatt_block_indexes": [1],
}
PIXELS = {
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}


def train_tokenizer(specials: list[str], *, marks: dict[str, str], names: dict[str, str]) -> Qwen2TokenizerFast:
    """Byte-level BPE of a few hundred tokens that knows Qwen's special tokens and chat template."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer=trainer)
    template = CHAT_TEMPLATE
    for placeholder, token in marks.items():
        template = template.replace(placeholder, token)
    fast = Qwen2TokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=None,
        bos_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=specials[1:],
        chat_template=template,
        clean_up_tokenization_spaces=False,
        model_max_length=131072,
        **({"extra_special_tokens": names} if names else {}),
    )
    fast.add_special_tokens({"additional_special_tokens": specials[1:]}, replace_additional_special_tokens=False)
    return fast


def save_vl_base(directory: Path, *, seed: int) -> None:
    """What ``Qwen/Qwen2.5-VL-3B-Instruct`` is, tiny and random."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessor

    tokenizer = train_tokenizer(VL_SPECIALS, marks=VL_MARKS, names={})
    ids = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        **TEXT,
        vocab_size=len(tokenizer),
        tie_word_embeddings=True,
        vision_config={**VISION, "in_chans": 3, "tokens_per_second": 2},
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        vision_token_id=ids("<|vision_pad|>"),
        bos_token_id=ids("<|endoftext|>"),
        eos_token_id=ids("<|im_end|>"),
    )
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(config)
    widen(model)
    model.to(torch.bfloat16).save_pretrained(directory)  # as the hub's bases are stored
    tokenizer.save_pretrained(directory)
    Qwen2VLImageProcessor(**PIXELS).save_pretrained(directory)
    set_processor_class(directory, "Qwen2_5_VLProcessor", template=tokenizer.chat_template)


def save_omni_base(directory: Path, *, seed: int) -> None:
    """What ``Qwen/Qwen2.5-Omni-3B`` is, tiny and random: thinker, talker and token2wav."""
    from transformers import (
        Qwen2_5OmniConfig,
        Qwen2_5OmniForConditionalGeneration,
        WhisperFeatureExtractor,
    )

    tokenizer = train_tokenizer(OMNI_SPECIALS, marks=OMNI_MARKS, names=OMNI_NAMES)
    ids = tokenizer.convert_tokens_to_ids
    tokens = {
        "audio_token_index": ids("<|AUDIO|>"),
        "image_token_index": ids("<|IMAGE|>"),
        "video_token_index": ids("<|VIDEO|>"),
        "audio_start_token_id": ids("<|audio_bos|>"),
        "audio_end_token_id": ids("<|audio_eos|>"),
        "vision_start_token_id": ids("<|vision_bos|>"),
        "vision_end_token_id": ids("<|vision_eos|>"),
        "position_id_per_seconds": 25,
        "seconds_per_chunk": 2,
    }
    text = {**TEXT, "rope_scaling": {"mrope_section": [2, 3, 3], "rope_type": "default", "type": "default"}}
    thinker = {
        **tokens,
        "text_config": {**text, "vocab_size": len(tokenizer)},
        "vision_config": {**VISION, "in_channels": 3},
        "audio_config": {
            "num_mel_bins": 128,
            "d_model": 16,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 24,
            "max_source_positions": 1500,
            "n_window": 10,  # chunks of 20 mel frames, so that a short sound has several
            "output_dim": 32,
        },
        "pad_token_id": ids("<|endoftext|>"),
        "vocab_size": len(tokenizer),
    }
    talker = {
        **{name: value for name, value in text.items() if name != "num_hidden_layers"},
        **tokens,
        "num_hidden_layers": 1,
        "head_dim": 16,
        "vocab_size": 24,
        "embedding_size": 32,
    }
    wave = {
        "dit_config": {
            "hidden_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "head_dim": 8,
            "ff_mult": 1,
            "emb_dim": 8,
            "num_embeds": 24,
            "mel_dim": 8,
            "enc_emb_dim": 8,
            "enc_dim": 8,
            "enc_channels": [8, 8, 8, 8, 24],
            "enc_kernel_sizes": [5, 3, 3, 3, 1],
            "enc_dilations": [1, 2, 3, 4, 1],
            "enc_attention_channels": 4,
            "enc_res2net_scale": 2,
            "enc_se_channels": 4,
        },
        "bigvgan_config": {
            "mel_dim": 8,
            "upsample_initial_channel": 8,
            "resblock_kernel_sizes": [3],
            "resblock_dilation_sizes": [[1, 3, 5]],
            "upsample_rates": [2],
            "upsample_kernel_sizes": [4],
        },
    }
    config = Qwen2_5OmniConfig(thinker_config=thinker, talker_config=talker, token2wav_config=wave)
    torch.manual_seed(seed)
    model = Qwen2_5OmniForConditionalGeneration(config)
    widen(model)
    model.to(torch.bfloat16).save_pretrained(directory)  # as the hub's bases are stored
    torch.save({}, directory / "spk_dict.pt")  # the released class wants the voices beside the weights
    tokenizer.save_pretrained(directory)
    sound = WhisperFeatureExtractor(feature_size=128, chunk_length=300, return_attention_mask=True).to_dict()
    merged = PIXELS | sound | {"image_processor_type": "Qwen2VLImageProcessor"}
    (directory / "preprocessor_config.json").write_text(json.dumps(merged), encoding="utf-8")
    set_processor_class(directory, "Qwen2_5OmniProcessor", template=tokenizer.chat_template)


def widen(model: torch.nn.Module) -> None:
    """Random weights large enough that every layer and every position is felt in the embeddings."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                scale = 1.0 if "embed_tokens" in name else parameter[0].numel() ** -0.5
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
            elif "norm" not in name and parameter.ndim == 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)


def set_processor_class(directory: Path, name: str, *, template: str) -> None:
    """Also where processors of these versions look for the chat template."""
    (directory / "chat_template.json").write_text(json.dumps({"chat_template": template}) + "\n", encoding="utf-8")
    path = directory / "preprocessor_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["processor_class"] = name
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
