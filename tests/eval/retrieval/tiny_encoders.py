"""Encoders of the real classes with random weights, a few kilobytes each: what they say is nonsense, and everything
around it is real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers as tf
from safetensors.torch import save_file

from clamr_select.eval.longvideo.smoke.models.making import byte_tokenizer

LAYERS = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
SIDE, DIM = 32, 16
CROP = {"height": SIDE, "width": SIDE}


def _saved(folder: Path, model: Any, *parts: Any) -> Path:
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.ndim > 1 or "embedding" in name:
                tensor.normal_(std=0.3)
    for part in (model, *parts):
        part.save_pretrained(folder)
    return folder


def _text(words: Any, *, positions: int = 24, **more: Any) -> dict[str, Any]:
    ids = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id, "bos_token_id": None}
    return {**LAYERS, **ids, "vocab_size": len(words), "max_position_embeddings": positions, **more}


def save_clip(folder: Path, *, seed: int = 0, dim: int = DIM) -> Path:
    torch.manual_seed(seed)
    words = byte_tokenizer()
    vision = {**LAYERS, "image_size": SIDE, "patch_size": 16}
    model = tf.CLIPModel(tf.CLIPConfig(text_config=_text(words), vision_config=vision, projection_dim=dim))
    return _saved(folder, model, words, tf.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=CROP))


def save_siglip(folder: Path, *, seed: int = 1) -> Path:
    torch.manual_seed(seed)
    words = byte_tokenizer()
    vision = {**LAYERS, "image_size": SIDE, "patch_size": 16}
    config = tf.SiglipConfig(text_config=_text(words, projection_size=32), vision_config=vision)
    return _saved(folder, tf.SiglipModel(config), words, tf.SiglipImageProcessor(size=CROP))


def save_siglip2(folder: Path, *, seed: int = 2) -> Path:
    torch.manual_seed(seed)
    bytes_of = [f"<0x{number:02X}>" for number in range(256)]
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *bytes_of]
    words = tf.Siglip2Tokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, padding_side="right")
    vision = {**LAYERS, "num_patches": 16, "patch_size": 16}
    config = tf.Siglip2Config(text_config=_text(words, projection_size=32), vision_config=vision)
    processor = tf.Siglip2ImageProcessor(patch_size=16, max_num_patches=16)
    return _saved(folder, tf.Siglip2Model(config), words, processor)


def save_xclip(folder: Path, *, seed: int = 3) -> Path:
    torch.manual_seed(seed)
    words = byte_tokenizer()
    vision = {**LAYERS, "image_size": SIDE, "patch_size": 16, "num_frames": 4}
    vision |= {"mit_hidden_size": DIM, "mit_intermediate_size": 16, "mit_num_attention_heads": 2}
    config = tf.XCLIPConfig(
        text_config=_text(words), vision_config=vision, projection_dim=DIM, prompt_num_attention_heads=2
    )
    processor = tf.VideoMAEImageProcessor(size={"shortest_edge": SIDE}, crop_size=CROP)
    return _saved(folder, tf.XCLIPModel(config), words, processor)


def save_clap(folder: Path, *, seed: int = 4) -> Path:
    torch.manual_seed(seed)
    words = byte_tokenizer()
    audio = {
        "num_mel_bins": 64,
        "spec_size": 256,
        "patch_size": 4,
        "patch_stride": [4, 4],
        "window_size": 8,
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1],
        "num_attention_heads": [1, 1],
        "hidden_size": 16,
        "num_classes": 4,
    }
    text = _text(words, positions=26) | {"pad_token_id": 1}
    config = tf.ClapConfig(text_config=text, audio_config=audio, projection_dim=DIM)
    extractor = tf.ClapFeatureExtractor(truncation="rand_trunc")
    return _saved(folder, tf.ClapModel(config), words, extractor)


def save_sentence_encoder(
    folder: Path, *, seed: int = 5, pooling: str = "pooling_mode_mean_tokens", dense: int | None = None
) -> Path:
    """As sentence-transformers lays it out; ``dense`` adds a layer to so many numbers."""
    torch.manual_seed(seed)
    words = byte_tokenizer()
    config = tf.BertConfig(**_text(words, positions=40))
    _saved(folder, tf.BertModel(config, add_pooling_layer=False), words)
    modules = [("", "sentence_transformers.models.Transformer"), ("1_Pooling", "sentence_transformers.models.Pooling")]
    if dense is not None:
        modules.append(("2_Dense", "sentence_transformers.models.Dense"))
        (folder / "2_Dense").mkdir()
        activation = {"activation_function": "torch.nn.modules.activation.Tanh"}
        (folder / "2_Dense" / "config.json").write_text(json.dumps(activation), encoding="utf-8")
        weights = {"linear.weight": torch.randn(dense, 32), "linear.bias": torch.randn(dense)}
        save_file(weights, folder / "2_Dense" / "model.safetensors")
    modules.append(("9_Normalize", "sentence_transformers.models.Normalize"))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({pooling: True}), encoding="utf-8")
    listed = [{"idx": n, "name": str(n), "path": path, "type": kind} for n, (path, kind) in enumerate(modules)]
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 20}), encoding="utf-8")
    return folder
