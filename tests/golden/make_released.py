"""Make a golden fixture with the released CLaMR code: a tiny base, an adapter on it, inputs and embeddings.

    python make_released.py --released CHECKOUT --backbone vl|omni --output DIRECTORY

CHECKOUT is github.com/meetdavidwan/clamr at 353c30e. README.md here says which versions each fixture was made
under. Nothing of this project is imported: what is stored is what the released classes compute.
"""

from __future__ import annotations

import argparse
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_base import save_omni_base, save_vl_base

# as the released README trains
LORA_TARGETS = "(.*(model).*(down_proj|gate_proj|up_proj|k_proj|q_proj|v_proj|o_proj).*$|.*(custom_text_proj).*$)"
TRAINING_SEED = 42
"""transformers' default for a training run; it draws the base of the projection, which no adapter holds."""
QUERY = "when does the bridge open?"
MAX_LENGTHS = {"ocr": 512, "asr": 512, "description": 512, "combined": 2048}
TEXTS = {
    "ocr": "HARBOR 12:30\nglacier tours",
    "asr": "a walrus plays the cello in the band room, naïvely",
    "description": "the lantern over the harbor",
}
MODALITIES = ["video", "ocr", "asr", "description"]
MIN_PIXELS = 56 * 56
SAMPLE_RATE = 16_000
AUDIO_SAMPLES = 6_400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--released", type=Path, required=True)
    parser.add_argument("--backbone", choices=["vl", "omni"], required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--pixels", action="store_true", help="store the document's pixel values too")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    released = arguments.released.resolve()
    os.chdir(arguments.output)  # so that adapter_config.json names its base "base"
    {"vl": save_vl_base, "omni": save_omni_base}[arguments.backbone](Path("base"), seed=3)
    model_class, processor_class = released_classes(released, arguments.backbone)
    model, processor = adapted(model_class, processor_class)
    model.save_pretrained("adapter")
    processor.save_pretrained("adapter")
    Path("adapter/README.md").unlink()  # peft's empty model card
    Path("base/spk_dict.pt").unlink(missing_ok=True)
    write_expected(model, processor, omni=arguments.backbone == "omni", pixels=arguments.pixels)


def released_classes(released: Path, backbone: str) -> tuple[type, type]:
    """The package's own __init__ imports both backbones, and transformers 4.51.3 has only one of them."""
    package = types.ModuleType("models")
    package.__path__ = [str(released / "src" / "models")]
    sys.modules["models"] = package
    if backbone == "vl":
        from models.qwen2_5 import ColQwen2_5, ColQwen2_5Processor

        class Processor(ColQwen2_5Processor):
            """Its read-only property stops transformers 4.52 from making one at all."""

            image_token_id = None

        Processor.__name__ = ColQwen2_5Processor.__name__
        return ColQwen2_5, Processor
    from models.qwen2_5_omni import ColQwenOmni, ColQwenOmniProcessor
    from transformers.models.qwen2_5_omni.processing_qwen2_5_omni import Qwen2_5OmniProcessorKwargs

    # this processor enlarges every frame to 128 * 28 * 28 pixels; here pixels are to be what was handed in
    Qwen2_5OmniProcessorKwargs._defaults["videos_kwargs"]["min_pixels"] = MIN_PIXELS
    return ColQwenOmni, ColQwenOmniProcessor


def adapted(model_class: type, processor_class: type) -> tuple[Any, Any]:
    """As main.py: processor, seed, model, LoRA; then a trained adapter is imitated by random numbers."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, set_seed

    set_seed(TRAINING_SEED)
    processor = processor_class.from_pretrained("base", use_fast=True)
    model = model_class.from_pretrained(
        "base",
        config=AutoConfig.from_pretrained("base"),
        # transformers 4.52 renames old keys for its own classes alone: without this the released class is random
        key_mapping=getattr(model_class, "_checkpoint_conversion_mapping", None) or None,
    )
    check_loaded(model)
    lora = LoraConfig(
        r=4,
        lora_alpha=8,
        lora_dropout=0.1,
        init_lora_weights="gaussian",
        bias="none",
        task_type="FEATURE_EXTRACTION",
        target_modules=LORA_TARGETS,
    )
    model = get_peft_model(model, lora)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                # small enough at the projection that its drawn base is felt
                scale = 0.02 if "custom_text_proj.lora_B" in name else 0.1 if "lora_B" in name else 0.3
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    return model.eval(), processor


def check_loaded(model: Any) -> None:
    """Every tensor of the base arrived, whatever its name now, and the projection is the draw of the seed."""
    saved = [tensor.float() for tensor in load_file("base/model.safetensors").values()]
    arrived = {(tuple(tensor.shape), float(tensor.sum())) for tensor in model.state_dict().values()}
    lost = [tuple(tensor.shape) for tensor in saved if (tuple(tensor.shape), float(tensor.sum())) not in arrived]
    torch.manual_seed(TRAINING_SEED)
    drawn = torch.empty_like(model.custom_text_proj.weight).normal_(0, 0.02)
    if lost or not torch.equal(drawn, model.custom_text_proj.weight) or model.custom_text_proj.bias.any():
        raise SystemExit(f"the base was not loaded as it was saved, or the projection is another draw: {lost}")


def write_expected(model: Any, processor: Any, *, omni: bool, pixels: bool) -> None:
    frames = made_frames(num_frames=4, height=56, width=84)
    images = [Image.fromarray(frame) for frame in frames]
    stored = {"frames": torch.from_numpy(frames)}
    stored |= encoded(model, processor.process_queries([QUERY], max_length=64), "query")
    stored |= encoded(model, document(processor, images, modalities=MODALITIES), "document", pixels=pixels)
    if omni:
        audio = made_audio(AUDIO_SAMPLES)
        stored["audio"] = torch.from_numpy(audio)
        both = document(processor, images, audio=audio, modalities=["video", "audio", "ocr"])
        stored |= encoded(model, both, "audio_document")
    else:
        stored |= encoded(model, document(processor, images, modalities=["video", "asr"]), "partial")
        stored |= encoded(model, document(processor, images[:3], modalities=["video"]), "odd")
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, "expected.safetensors")


def document(
    processor: Any, images: list[Image.Image], *, modalities: list[str], audio: np.ndarray | None = None
) -> Any:
    """As the released collator: prefixes by modality, texts of 512 tokens at most, padded to 2048."""
    inputs: dict[str, list[Any]] = {
        "video": [images],
        "audio": [audio],
        **{name: [text] for name, text in TEXTS.items()},
    }
    prefixes = {"ocr": "OCR: ", "asr": "ASR: ", "description": "Description: "}
    return processor.process_combined(
        {name: inputs[name] for name in modalities},
        prefixes,
        # the released call hands its token limit to the audio as well, as a limit in samples
        MAX_LENGTHS if audio is None else {**MAX_LENGTHS, "combined": len(audio)},
        modality_types=modalities,
    )


def encoded(model: Any, batch: Any, name: str, *, pixels: bool = False) -> dict[str, torch.Tensor]:
    """Inputs and embeddings of the real tokens: the padding, all on the left, is cut off (its vectors are zero)."""
    batch = dict(batch)
    modality_ids = batch.pop("modality_ids", None)
    positions = capture_positions(model)
    with torch.no_grad():
        embeddings = model(**batch)
    keep = batch["attention_mask"][0].bool()
    found = {
        "input_ids": batch["input_ids"][0][keep],
        "position_ids": positions[0][:, 0][:, keep],
        "embeddings": embeddings[0][keep],
    }
    if modality_ids is not None:
        found["modality_ids"] = modality_ids[0][keep]
    if "video_grid_thw" in batch:
        found["video_grid_thw"] = batch["video_grid_thw"]
    if pixels:
        found["pixel_values_videos"] = batch["pixel_values_videos"][0]
    if "input_features" in batch:  # as far as the sound goes; what follows is padding to 300 s
        found["input_features"] = batch["input_features"][:, :, : int(batch["feature_attention_mask"].sum())]
    assert not embeddings[0][~keep].any()
    return {f"{name}.{key}": tensor for key, tensor in found.items()}


def capture_positions(model: Any) -> list[torch.Tensor]:
    """Where the rotary embedding is made, the positions are seen, whatever made them."""
    seen: list[torch.Tensor] = []
    elsewhere = ("layers", "visual", "talker", "token2wav")
    language = next(
        module
        for name, module in model.named_modules()
        if name.endswith("rotary_emb") and not any(part in name for part in elsewhere)
    )

    def look(module: Any, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        seen.append((keywords["position_ids"] if "position_ids" in keywords else inputs[1]).clone())
        handle.remove()

    handle = language.register_forward_pre_hook(look, with_kwargs=True)
    return seen


def made_frames(*, num_frames: int, height: int, width: int) -> np.ndarray:
    """(num_frames, height, width, 3) uint8 of a size that no resizing changes."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (num_frames, height // 14, width // 14, 3), dtype=np.uint8)
    return np.clip(
        coarse.repeat(14, axis=1).repeat(14, axis=2).astype(int) + rng.integers(-9, 10, (num_frames, height, width, 3)),
        0,
        255,
    ).astype(np.uint8)


def made_audio(num_samples: int) -> np.ndarray:
    """(samples,) float32 at 16 kHz: a rising tone."""
    times = np.arange(num_samples) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * (220 + 90 * times) * times)).astype(np.float32)


if __name__ == "__main__":
    main()
