"""What makes an encoder give the vectors it gives, in a form that can be compared: for keys of stored embeddings.

A name is no identity: a folder is trained further, a branch of the hub moves, an adapter stands on another base. So
the weights themselves are digested, as they lie in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from clamr_select.model.encoder import ClamrEncoder
    from clamr_select.model.processing_clamr import ClamrProcessor

_CHUNK_WORDS = 1 << 20
_NOT_OF_THE_MODEL = ("_name_or_path", "transformers_version", "assumptions")
_OF_THE_LAST_CALL = ("padding", "truncation")
_LIBRARIES = ("torch", "transformers")


def encoder_identity(encoder: ClamrEncoder) -> dict[str, Any] | None:
    """JSON values, equal for encoders that give the same vectors but for rounding; None where they cannot be known,
    because a part of the weights lies on disk (``device_map`` with offloading).

    Reads all weights, at every call: writing to ``parameter.data``, as merging an adapter does, leaves no trace by
    which to tell that they are still the same. 0.8 s for 3B parameters in bfloat16 on a CPU, milliseconds on a GPU.
    """
    weights = weights_digest(encoder.model)
    if weights is None:
        return None
    return {
        "weights": weights,
        "config": _digest(_without(json.loads(encoder.model.config.to_json_string(use_diff=False)))),
        "processor": _digest(_processor_settings(encoder.processor)),
        "device": encoder.device.type,
        **{library: version(library) for library in _LIBRARIES},
    }


def weights_digest(model: torch.nn.Module) -> str | None:
    """A digest of every tensor of the model with its name, shape and dtype; None where one is not in memory.

    Each tensor is summed where it lies, every 8 bytes of it multiplied by an odd number of their own, modulo 2**64. So
    a change of one number always changes the sum, and any other change all but surely does. It tells models apart; it
    is no proof against someone who makes two alike on purpose.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if not isinstance(tensor, torch.Tensor):  # quantised layers keep settings beside their tensors
            digest.update(f"{name} {tensor!r}\n".encode())
            continue
        if tensor.is_meta:
            return None
        sums = torch.stack(list(_sums(tensor))).tolist() if tensor.numel() else []
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} {sums}\n".encode())
    return digest.hexdigest()


@torch.inference_mode()
def _sums(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """One number for each MiB of words."""
    flat = tensor.detach().reshape(-1).contiguous().view(torch.uint8)
    factors = _odd_factors(tensor.device)
    step = 8 * _CHUNK_WORDS
    for start in range(0, len(flat), step):
        piece = flat[start : start + step]
        if len(piece) % 8 or piece.data_ptr() % 8:
            padded = piece.new_zeros(-(-len(piece) // 8) * 8)
            padded[: len(piece)] = piece
            piece = padded
        yield _weighted_sum(piece.view(torch.int64), factors)


def _weighted_sum(words: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    factors = factors[: len(words)]
    if words.device.type == "cpu":  # nothing is written on the way: 0.11 instead of 0.20 s a GB (docs/log.md)
        return torch.dot(words, factors)
    return (words * factors).sum()


_FACTORS: dict[torch.device, torch.Tensor] = {}


def _odd_factors(device: torch.device) -> torch.Tensor:
    """(_CHUNK_WORDS,) int64, the same everywhere and always (splitmix64 of the position)."""
    if device not in _FACTORS:
        mixed = torch.arange(1, _CHUNK_WORDS + 1, dtype=torch.int64) * _signed(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ _shifted(mixed, shift)) * _signed(factor)
        _FACTORS[device] = ((mixed ^ _shifted(mixed, 31)) | 1).to(device)
    return _FACTORS[device]


def _shifted(words: torch.Tensor, bits: int) -> torch.Tensor:
    """A logical shift to the right; torch's keeps the sign."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def _processor_settings(processor: ClamrProcessor) -> dict[str, Any]:
    settings = {name: value for name, value in vars(processor).items() if _is_json(value)}
    settings["tokenizer"] = _tokenizer_digest(processor.tokenizer.backend_tokenizer.to_str())
    return settings


_TOKENIZER_DIGESTS: dict[bytes, str] = {}


def _tokenizer_digest(written: str) -> str:
    """Of a tokenizer as it writes itself, but for what the last call left in it. To take that apart costs half a second
    with 150,000 tokens, so what was taken apart before is remembered."""
    seen = hashlib.sha256(written.encode()).digest()
    if seen not in _TOKENIZER_DIGESTS:
        parts = json.loads(written)
        _TOKENIZER_DIGESTS[seen] = _digest({name: parts[name] for name in parts if name not in _OF_THE_LAST_CALL})
    return _TOKENIZER_DIGESTS[seen]


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_json(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return all(_is_json(inner) for inner in value)
    return value is None or isinstance(value, bool | int | float | str)


def _without(config: Any) -> Any:
    """The config without what names it."""
    if isinstance(config, dict):
        return {name: _without(value) for name, value in config.items() if name not in _NOT_OF_THE_MODEL}
    return config


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
