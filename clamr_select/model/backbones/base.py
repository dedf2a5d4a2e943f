"""What the rest of the model room has to know of a backbone, and what several of them share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from torch import nn

from clamr_select.errors import MissingDependencyError
from clamr_select.model.layout import Sequence

PROJECTION = "embedding_proj_layer"
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
RELEASED_TEXT_PREFIXES = {"ocr": " OCR:", "asr": " ASR:", "description": " Description:"}
"""As the released code writes them in front of each text."""


@dataclass(frozen=True)
class FrameTokens:
    """The frames of one document as they stand in its token sequence."""

    token_id: int
    start_id: int
    end_id: int
    """Marks around frames."""
    modality_id: int
    num_candidates: int
    grid_height: int
    grid_width: int
    """Merged visual tokens of one candidate."""
    time_interval: float
    """Positions from one candidate to the next, where the backbone counts time in positions."""


def one_block(sequence: Sequence, frames: FrameTokens) -> None:
    """All frames between one pair of marks; time is counted in positions, and what follows starts one past the
    highest (transformers 4.49 to 5.2 for Qwen2.5-VL; every version for Qwen2.5-Omni)."""
    sequence.add_text([frames.start_id])
    sequence.add_video(
        token_id=frames.token_id,
        modality_id=frames.modality_id,
        num_candidates=frames.num_candidates,
        grid_height=frames.grid_height,
        grid_width=frames.grid_width,
        time_interval=frames.time_interval,
    )
    sequence.add_text([frames.end_id])


def as_it_is(vlm: nn.Module) -> None:
    """For backbones that need no change."""


@dataclass(frozen=True)
class Backbone:
    """One vision-language model: all that differs between it and the others."""

    model_type: str
    """Of the bare model's config, as transformers registers it."""
    modalities: tuple[str, ...]
    """In the order of their ids and of a document, unless the model's config says otherwise."""
    base_ids: tuple[str, ...]
    """Hub ids of the models it is taken from."""
    processor_options: Mapping[str, Any]
    """For :class:`~clamr_select.model.processing_clamr.ClamrProcessor`: prompts and pixels exactly as trained."""
    add_frames: Callable[[Sequence, FrameTokens], None] = one_block
    """Lays the frames of a document into its sequence, with their positions."""
    prepare: Callable[[nn.Module], None] = as_it_is
    """Changes a fresh bare model in place; never what it computes or how its weights are called."""
    min_transformers: tuple[int, int] = (5, 16)
    lora_linears: tuple[str, ...] = field(
        default=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    )
    """Linears of each layer of the language model that the paper's recipe trains."""

    def check(self) -> None:
        """Raises MissingDependencyError where the installed transformers is too old for this backbone."""
        installed = version("transformers")
        major, minor = (int(part) for part in installed.split(".")[:2])
        if (major, minor) < self.min_transformers:
            wanted = ".".join(map(str, self.min_transformers))
            raise MissingDependencyError(
                f"the backbone {self.model_type} needs transformers >= {wanted}, got {installed}; "
                f"run: pip install 'transformers>={wanted}'"
            )

    def lora_modules(self, model: nn.Module) -> list[str]:
        """Names of the linears that LoRA trains: the language model's, and the projection; never a tower's.

        Args:
            model: a :class:`~clamr_select.model.ClamrForRetrieval` on this backbone.
        """
        wanted = re.compile(rf"vlm\.language_model\.layers\.\d+\..*\b({'|'.join(self.lora_linears)})")
        return [name for name, _ in model.named_modules() if wanted.fullmatch(name) or name == PROJECTION]
