"""Text towers: of a dual encoder (CLIP, SigLIP, CLAP …), or any encoder of text with its pooling."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch.nn import functional

from clamr_select.errors import CheckpointError
from clamr_select.eval.retrieval.encoders.folders import load_model, part_of, read_settings
from clamr_select.model.identity import weights_digest

TEXTS_AT_ONCE = 64
ALL_TOKENS = 1 << 30
POSITION_OFFSET = {"roberta": 2, "xlm-roberta": 2, "camembert": 2, "mpnet": 2, "clap_text_model": 2}
"""Position embeddings that a model type keeps for padding: no token has them."""
PADDED = ("siglip", "siglip2")
"""Trained with every text padded to the full length; other lengths give other vectors."""
UNUSED = ("pooler.",)
"""Tensors of a text encoder that averaging its tokens does not need."""
Side = Literal["query", "document"]


class TextTower:
    """Texts to vectors of length 1, what is too long cut off and counted.

    Args:
        encode: a padded batch of token ids to (num_texts, dim).
        identity: of the weights, as JSON values.
    """

    def __init__(
        self,
        encode: Callable[[Any], torch.Tensor],
        *,
        tokenizer: Any,
        max_tokens: int,
        device: str,
        identity: dict[str, Any],
        padding: bool | str = True,
    ) -> None:
        self._encode = encode
        self._tokenizer = tokenizer
        self._device = device
        self._padding = padding
        self.max_tokens = max_tokens
        self.prompts: dict[str, str] = {}
        """What is put before texts of a side."""
        words = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()
        self.identity = {**identity, "tokenizer": words}

    @torch.inference_mode()
    def vectors(self, texts: Sequence[str], *, side: Side) -> tuple[torch.Tensor, list[int]]:
        """(num_texts, dim) float32 on the CPU, and how many tokens of each were cut."""
        prompt = self.prompts.get(side, "")
        prompted = [prompt + text for text in texts]
        whole = self._tokenizer(prompted, padding=False, truncation=False, verbose=False)["input_ids"]
        cut = [max(0, len(ids) - self.max_tokens) for ids in whole]
        found = []
        for start in range(0, len(prompted), TEXTS_AT_ONCE):
            batch = self._tokenizer(
                prompted[start : start + TEXTS_AT_ONCE],
                padding=self._padding,
                truncation=True,
                max_length=self.max_tokens,
                return_tensors="pt",
            ).to(self._device)
            found.append(functional.normalize(self._encode(batch).float(), dim=1).cpu())
        return torch.cat(found), cut


def text_tower(folder: Path, model: Callable[[], Any], *, device: str) -> TextTower:
    """The text side of a dual encoder, or an encoder of text.

    Args:
        model: the model in ``folder``, for a checkpoint without modules of sentence-transformers.

    Raises:
        CheckpointError: it is neither, or a part cannot be loaded.
    """
    modules = read_settings(folder / "modules.json", otherwise=None)
    if modules is not None:
        return _sentence_tower(folder, modules, device=device)
    loaded = model()
    if hasattr(loaded, "get_text_features"):
        return _dual_tower(loaded, folder, device=device)
    return _pooled_tower(loaded, folder, [_mean], device=device)


def _dual_tower(model: Any, folder: Path, *, device: str) -> TextTower:
    tokenizer = load_tokenizer(folder)
    padded = model.config.model_type in PADDED

    def encode(batch: Any) -> torch.Tensor:
        # SigLIP attends to its padding
        wanted = ("input_ids",) if padded else ("input_ids", "attention_mask")
        return model.get_text_features(**{name: batch[name] for name in wanted}).pooler_output

    return TextTower(
        encode,
        tokenizer=tokenizer,
        max_tokens=_max_tokens(tokenizer, model.config.text_config),
        device=device,
        identity=model_identity(model),
        padding="max_length" if padded else True,
    )


def _sentence_tower(folder: Path, modules: Any, *, device: str) -> TextTower:
    """As sentence-transformers lays it out: transformer, pooling, dense layers, normalisation."""
    steps = [(str(module["type"]).rpartition(".")[2], folder / module["path"]) for module in modules]
    if [kind for kind, _ in steps[:2]] != ["Transformer", "Pooling"]:
        raise CheckpointError(
            f"{folder}: modules.json must start with a Transformer and a Pooling, got {[kind for kind, _ in steps]}"
        )
    inner = steps[0][1]
    layers = [_module(kind, path, device=device) for kind, path in steps[1:]]
    tower = _pooled_tower(load_model(inner, device=device, may_lack=UNUSED), inner, layers, device=device)
    settings = read_settings(inner / "sentence_bert_config.json", otherwise={})
    prompts = read_settings(folder / "config_sentence_transformers.json", otherwise={}).get("prompts") or {}
    tower.max_tokens = min(tower.max_tokens, settings.get("max_seq_length") or ALL_TOKENS)
    tower.prompts = {
        "query": prompts.get("query", ""),
        "document": prompts.get("document", prompts.get("passage", "")),
    }
    tower.identity["modules"] = [[kind, _digest(path)] for kind, path in steps[1:]]
    return tower


def _pooled_tower(model: Any, folder: Path, layers: Sequence[Any], *, device: str) -> TextTower:
    tokenizer = load_tokenizer(folder)

    def encode(batch: Any) -> torch.Tensor:
        given = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids") if name in batch}
        state = (model(**given).last_hidden_state, batch["attention_mask"])
        for layer in layers:
            state = layer(*state)
        return state[0]

    return TextTower(
        encode,
        tokenizer=tokenizer,
        max_tokens=_max_tokens(tokenizer, model.config),
        device=device,
        identity=model_identity(model),
    )


def load_tokenizer(folder: Path) -> Any:
    """A fast one, with what pads.

    Raises:
        CheckpointError: there is none.
    """
    from transformers import AutoTokenizer

    tokenizer = part_of(lambda **options: AutoTokenizer.from_pretrained(folder, **options), folder)
    if not tokenizer.is_fast or tokenizer.pad_token is None:
        raise CheckpointError(f"{folder}: its tokenizer must be a fast one with a padding token")
    return tokenizer


def model_identity(model: Any) -> dict[str, Any]:
    """Of the weights as they lie in memory.

    Raises:
        CheckpointError: a part of them lies elsewhere.
    """
    weights = weights_digest(model)
    if weights is None:
        raise CheckpointError(f"the weights of a {type(model).__name__} are not in memory; load it without offloading")
    return {"class": type(model).__name__, "weights": weights}


def _max_tokens(tokenizer: Any, config: Any) -> int:
    positions = getattr(config, "max_position_embeddings", ALL_TOKENS)
    return min(tokenizer.model_max_length, positions - POSITION_OFFSET.get(config.model_type, 0))


State = tuple[torch.Tensor, torch.Tensor]


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> State:
    weights = mask.unsqueeze(2).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9), mask


def _first(hidden: torch.Tensor, mask: torch.Tensor) -> State:
    return hidden[torch.arange(len(mask)), mask.argmax(dim=1)], mask


def _last(hidden: torch.Tensor, mask: torch.Tensor) -> State:
    places = torch.arange(mask.shape[1], device=mask.device)
    return hidden[torch.arange(len(mask)), (mask * places).argmax(dim=1)], mask


_POOLING = {"pooling_mode_mean_tokens": _mean, "pooling_mode_cls_token": _first, "pooling_mode_lasttoken": _last}


def _module(kind: str, path: Path, *, device: str) -> Any:
    if kind == "Normalize":
        return lambda pooled, mask: (functional.normalize(pooled, dim=1), mask)
    settings = read_settings(path / "config.json", otherwise={})
    if kind == "Pooling":
        chosen = [name for name, on in settings.items() if name.startswith("pooling_mode_") and on]
        if len(chosen) != 1 or chosen[0] not in _POOLING:
            raise CheckpointError(f"{path}: pooling must be one of {', '.join(_POOLING)}, got {chosen}")
        return _POOLING[chosen[0]]
    if kind == "Dense":
        return _dense(path, settings, device=device)
    raise CheckpointError(f"{path}: no such module here: {kind}; known are Transformer, Pooling, Dense, Normalize")


def _dense(path: Path, settings: dict[str, Any], *, device: str) -> Any:
    from safetensors.torch import load_file

    activation = str(settings.get("activation_function", "")).rpartition(".")[2]
    known = {"Identity": torch.nn.Identity(), "Tanh": torch.nn.Tanh(), "": torch.nn.Identity()}
    if activation not in known or not (path / "model.safetensors").is_file():
        raise CheckpointError(
            f"{path}: a dense layer needs model.safetensors and the activation Identity or Tanh, got {activation!r}"
        )
    tensors = load_file(path / "model.safetensors", device=device)
    weight, bias = tensors.get("linear.weight"), tensors.get("linear.bias")
    if weight is None:
        raise CheckpointError(f"{path}: model.safetensors has no linear.weight")
    return lambda pooled, mask: (known[activation](functional.linear(pooled, weight.to(pooled.dtype), bias)), mask)


def _digest(path: Path) -> str:
    files = sorted(file for file in path.glob("*") if file.is_file()) if path.is_dir() else []
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
