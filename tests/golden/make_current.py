"""Make golden fixtures under today's transformers and peft, with classes other than this project's.

    python make_current.py --kind vl|omni|colpali --inputs ORIGIN --output DIRECTORY

ORIGIN is the fixture of the released code (``vl_4_51`` or ``omni_4_52``) whose base and whose inputs are used: token
ids, positions, pixels and sound as the released processors made them. ``vl`` and ``omni`` are the released classes as
they would stand today; ``colpali`` is colpali-engine's ColQwen2.5 with a base that holds the projection.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    AutoConfig,
    AutoTokenizer,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5OmniForConditionalGeneration,
    Qwen2_5OmniThinkerForConditionalGeneration,
    set_seed,
)

LINEARS = "q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj"
TRAINING_SEED = 42
KEPT = ("input_ids", "position_ids", "pixel_values_videos", "video_grid_thw", "input_features")


class ColQwenToday(Qwen2_5_VLForConditionalGeneration):
    """A language model with a head, and the projection beside it."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.custom_text_proj = nn.Linear(config.text_config.hidden_size, 128)
        self.post_init()

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.model(**inputs, use_cache=False).last_hidden_state
        return nn.functional.normalize(self.custom_text_proj(hidden), dim=-1)


class ColQwenOmniToday(Qwen2_5OmniForConditionalGeneration):
    """Thinker, talker and token2wav, and the projection beside them."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.custom_text_proj = nn.Linear(config.thinker_config.text_config.hidden_size, 128)
        self.post_init()

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.thinker.model(**inputs, use_cache=False).last_hidden_state
        return nn.functional.normalize(self.custom_text_proj(hidden), dim=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=["vl", "omni", "colpali"], required=True)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    origin = Path(os.path.relpath(arguments.inputs, arguments.output))
    os.chdir(arguments.output)
    base = save_colpali_base(origin / "base") if arguments.kind == "colpali" else origin / "base"
    model = trained(model_class(arguments.kind), base, kind=arguments.kind)
    model.save_pretrained("adapter")
    Path("adapter/README.md").unlink()
    inputs = load_file(origin / "expected.safetensors")
    if arguments.kind == "omni":  # the same frames: stored once
        pixels = load_file(origin.parent / "vl_4_51" / "expected.safetensors")["document.pixel_values_videos"]
        inputs["audio_document.pixel_values_videos"] = pixels
    write_expected(model, inputs, kind=arguments.kind)


def model_class(kind: str) -> Any:
    if kind == "colpali":
        from colpali_engine.models import ColQwen2_5

        return ColQwen2_5
    return {"vl": ColQwenToday, "omni": ColQwenOmniToday}[kind]


def save_colpali_base(plain: Path) -> Path:
    """As ``vidore/colqwen2.5-base``: the backbone with a projection, so that the adapter's base is known."""
    set_seed(17)
    model = model_class("colpali").from_pretrained(plain, dtype=torch.bfloat16)
    with torch.no_grad():
        model.custom_text_proj.bias.normal_(0, 0.01)
    model.save_pretrained("base")
    AutoTokenizer.from_pretrained(plain).save_pretrained("base")
    return Path("base")


def trained(class_: Any, base: Path, *, kind: str) -> Any:
    """LoRA on the language model, by explicit names; random numbers in place of training."""
    model = loaded(class_, base, kind=kind)
    wanted = re.compile(rf"(?:.*\.)?language_model\.layers\..*\.(?:{LINEARS})")
    names = [name for name, _ in model.named_modules() if wanted.fullmatch(name)]
    whole = ["custom_text_proj"] if kind == "vl" else None  # trained as it is and stored, instead of by LoRA
    targets = names if whole else [*names, "custom_text_proj"]
    rank_stabilised = kind == "omni"
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=targets, modules_to_save=whole, use_rslora=rank_stabilised)
    model = get_peft_model(model, lora)
    generator = torch.Generator().manual_seed(13)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                scale = 0.02 if "custom_text_proj.lora_B" in name else 0.1 if "lora_B" in name else 0.3
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
            elif "modules_to_save" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return model.eval()


def loaded(class_: Any, base: Path, *, kind: str) -> Any:
    """The base by upstream's own class, since only those read old keys; then the projection, drawn or the base's."""
    if kind == "colpali":
        return class_.from_pretrained(base, dtype=torch.float32)
    config = AutoConfig.from_pretrained(base)
    config._name_or_path = str(base)
    model = class_(config).float()
    model.name_or_path = str(base)
    if kind == "omni":
        plain = Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
        model.thinker.load_state_dict(plain.state_dict())
    else:
        plain = Qwen2_5_VLForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
        model.model.load_state_dict(plain.model.state_dict())
    set_seed(TRAINING_SEED)
    with torch.no_grad():
        model.custom_text_proj.weight.normal_(0, 0.02)
        model.custom_text_proj.bias.zero_()
    return model


def write_expected(model: Any, inputs: dict[str, torch.Tensor], *, kind: str) -> None:
    """Embeddings for the inputs of the released code."""
    stored = {}
    for name in ("query", "audio_document" if kind == "omni" else "document"):
        batch = {key: inputs[f"{name}.{key}"] for key in KEPT if f"{name}.{key}" in inputs}
        batch["input_ids"] = batch["input_ids"][None]
        batch["position_ids"] = batch["position_ids"][:, None]
        batch["attention_mask"] = torch.ones_like(batch["input_ids"])
        if "input_features" in batch:
            batch["feature_attention_mask"] = torch.ones(1, batch["input_features"].shape[2], dtype=torch.long)
        with torch.no_grad():
            stored[f"{name}.embeddings"] = model(**batch)[0].contiguous()
    save_file(stored, "expected.safetensors")


if __name__ == "__main__":
    main()
