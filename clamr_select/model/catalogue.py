"""The models that are known to load: what they are, how large, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass

from clamr_select.model.backbones import backbone_for
from clamr_select.model.checkpoint.source import NANO

BFLOAT16_BYTES = 2.0
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""A weight in 4 bits, with its share of the block scales: 1 byte for 64 weights, and 4 bytes for 256 of those."""

LORA_128_ON_3B = 239_747_072
"""Weights of an adapter of rank 128 on the linears of a 3B language model and on the projection."""
QWEN_RESEARCH = "Qwen Research License (not for commercial use); check the card"


@dataclass(frozen=True)
class CataloguedModel:
    """One model by its name."""

    name: str
    """For ``from_pretrained``: embedded, or a hub id."""
    backbone: str
    """``model_type`` of the bare backbone."""
    base: str | None
    """What an adapter is put on; None for a whole model."""
    num_parameters: int
    """As loaded: backbone and projection, LoRA merged, parts that retrieval does not use left out."""
    num_linear_weights: int
    """Of these, those that 4-bit loading rounds."""
    num_adapter_parameters: int
    """Kept beside the rounded weights in 4 bits."""
    download_gigabytes: float
    """About (1e9 bytes), adapter and base; 0 for what is in the package."""
    license: str
    base_license: str | None
    note: str
    """What it was trained for."""

    @property
    def modalities(self) -> tuple[str, ...]:
        return backbone_for(self.backbone).modalities

    @property
    def repositories(self) -> tuple[str, ...]:
        """The hub repositories it is read from; none for what is in the package."""
        if self.name == NANO:
            return ()
        return (self.name,) if self.base is None else (self.name, self.base)

    def weight_bytes(self, *, quantization: str | None = None) -> int:
        """Memory of the weights alone; images and activations come on top.

        Args:
            quantization: ``4bit``, or None for bfloat16.
        """
        if quantization is None:
            return int(self.num_parameters * BFLOAT16_BYTES)
        unrounded = self.num_parameters - self.num_linear_weights + self.num_adapter_parameters
        return int(self.num_linear_weights * NF4_BYTES + unrounded * BFLOAT16_BYTES)


CATALOGUE = (
    CataloguedModel(
        name=NANO,
        backbone="qwen2_5_vl",
        base=None,
        num_parameters=4_415_360,
        num_linear_weights=3_760_128,
        num_adapter_parameters=0,
        download_gigabytes=0.0,
        license="MIT",
        base_license=None,
        note="words in speech, on screen and in metadata, and simple pictures; inside this package",
    ),
    CataloguedModel(
        name="meetdavidwan/clamr",
        backbone="qwen2_5_vl",
        base="Qwen/Qwen2.5-VL-3B-Instruct",
        num_parameters=3_754_885_248,
        num_linear_weights=3_441_197_056,
        num_adapter_parameters=LORA_128_ON_3B,
        download_gigabytes=8.0,
        license="check the card (the released code is MIT)",
        base_license=QWEN_RESEARCH,
        note="CLaMR of the paper, trained on MultiVENT 2.0++",
    ),
    CataloguedModel(
        name="meetdavidwan/clamr_msrvtt",
        backbone="qwen2_5_omni_thinker",
        base="Qwen/Qwen2.5-Omni-3B",
        num_parameters=4_392_561_792,
        num_linear_weights=4_072_964_096,
        num_adapter_parameters=LORA_128_ON_3B,
        download_gigabytes=12.0,
        license="check the card (the released code is MIT)",
        base_license=QWEN_RESEARCH,
        note="CLaMR that hears, trained on MSRVTT",
    ),
    CataloguedModel(
        name="vidore/colqwen2.5-v0.2",
        backbone="qwen2_5_vl",
        base="vidore/colqwen2.5-base",
        num_parameters=3_754_885_248,
        num_linear_weights=3_441_197_056,
        num_adapter_parameters=LORA_128_ON_3B,
        download_gigabytes=8.0,
        license="MIT; check the card",
        base_license=f"of Qwen2.5-VL-3B: {QWEN_RESEARCH}",
        note="colpali-style, trained on pictures of pages, not on video",
    ),
    CataloguedModel(
        name="vidore/colqwen-omni-v0.1",
        backbone="qwen2_5_omni_thinker",
        base="vidore/colqwen-omni-base",
        num_parameters=4_392_561_792,
        num_linear_weights=4_072_964_096,
        num_adapter_parameters=LORA_128_ON_3B,
        download_gigabytes=10.0,
        license="MIT; check the card",
        base_license=f"of Qwen2.5-Omni-3B: {QWEN_RESEARCH}",
        note="colpali-style, trained on pictures of pages, not on video",
    ),
)
"""Parameters are counted on the full-size models (tests/model/test_catalogue.py). The adapters' ranks are taken to be
128, as the paper's is; the 4-bit figures and the downloads hang on it by 0.5 GB at most."""
