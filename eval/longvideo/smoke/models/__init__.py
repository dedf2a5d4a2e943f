"""Models of the real classes with random weights, small enough for any machine: they answer nonsense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clamr_select.eval.longvideo.smoke.models import others, qwen
from clamr_select.eval.longvideo.smoke.models.making import Made

MODELS: dict[str, Callable[[], Made]] = {
    make.__name__: make
    for make in (
        qwen.qwen2_vl,
        qwen.qwen2_5_vl,
        qwen.qwen3_vl,
        qwen.qwen3_5,
        others.llava_onevision,
        others.internvl,
        others.gemma3,
        others.gemma4,
        others.idefics2,
        others.mistral3,
        others.glm4v,
        others.mllama,
        others.aria,
    )
}
OF_THE_RUNS = ("qwen2_5_vl", "qwen3_vl")
"""Those that ``eval/runs/*.sh`` take."""


def save_model(name: str, folder: Path) -> Path:
    """Write model and processor as their own ``save_pretrained`` do; the same weights every time."""
    import torch

    torch.manual_seed(0)
    model, processor = MODELS[name]()
    # buffers may be complex, and are made again anyway
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
