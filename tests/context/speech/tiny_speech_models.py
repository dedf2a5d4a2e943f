"""Speech models of a few kilobytes with random weights, through the real classes: what they hear is nonsense, and
everything around it is real."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    GenerationConfig,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

LANGUAGES = ("en", "de", "fr")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def save_tiny_whisper(directory: Path, *, multilingual: bool = True, seed: int = 0) -> Path:
    """A Whisper of one layer that knows English, German and French, or English alone."""
    torch.manual_seed(seed)
    tokenizer = _whisper_tokenizer(LANGUAGES if multilingual else ("en",))
    ids = tokenizer.get_vocab()
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        init_std=0.5,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = _whisper_generation(ids, multilingual=multilingual)
    model.save_pretrained(directory)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(directory)
    return directory


def _whisper_tokenizer(languages: tuple[str, ...]) -> WhisperTokenizer:
    vocabulary = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}
    for word in ("Ġthe", "Ġsea", "Ġlight", "Ġhouse", "Ġwalrus"):
        vocabulary[word] = len(vocabulary)
    vocabulary["<|endoftext|>"] = len(vocabulary)
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[], pad_token="<|endoftext|>")
    special = ["<|startoftranscript|>", *(f"<|{language}|>" for language in languages), "<|translate|>"]
    special += ["<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.add_tokens([f"<|{step * 0.02:.2f}|>" for step in range(1501)])
    return tokenizer


def _whisper_generation(ids: dict[str, int], *, multilingual: bool) -> GenerationConfig:
    known = {
        "is_multilingual": multilingual,
        "lang_to_id": {token: ids[token] for language in LANGUAGES if (token := f"<|{language}|>") in ids},
        "task_to_id": {"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
    }
    return GenerationConfig(
        decoder_start_token_id=ids["<|startoftranscript|>"],
        eos_token_id=ids["<|endoftext|>"],
        pad_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"],
        no_timestamps_token_id=ids["<|notimestamps|>"],
        prev_sot_token_id=ids["<|startofprev|>"],
        alignment_heads=[[0, 0], [0, 1]],
        max_initial_timestamp_index=50,
        max_length=40,
        return_timestamps=False,
        **(known if multilingual else {"is_multilingual": False}),
    )


def save_tiny_ctc(directory: Path, *, seed: int = 0) -> Path:
    """A Wav2Vec2 of one layer that spells with 26 letters."""
    torch.manual_seed(seed)
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4}
    vocabulary |= {letter: number for number, letter in enumerate(LETTERS.upper(), start=5)}
    (directory / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    config = Wav2Vec2Config(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )
    Wav2Vec2ForCTC(config).save_pretrained(directory)
    tokenizer = Wav2Vec2CTCTokenizer(directory / "vocab.json")
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(directory)
    return directory
