"""4-bit and 8-bit weights through bitsandbytes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from clamr_select.errors import missing_dependency, unknown_name
from clamr_select.model.checkpoint.keys import PROJECTION

QUANTIZATIONS = ("4bit", "8bit")


def quantization_config(quantization: str, *, compute_dtype: torch.dtype) -> Any:
    """transformers' config for ``4bit`` (nf4 with double quantisation, as the paper trained) or ``8bit`` (LLM.int8).

    Every linear layer but the projection is quantised, as in the released code. A LoRA adapter is merged first, in
    float32 and tensor by tensor, and the sum is quantised: one rounding, as many bits as without the adapter, no second
    matrix product at run time, and peft is not needed. Keeping the pairs apart would round the base alone and cost
    their memory (0.5 GB at r = 128 on 3B) and their time, for the same error: tests/model/checkpoint measures both.

    Raises:
        UnknownNameError: neither of the two.
        MissingDependencyError: bitsandbytes is not installed.
    """
    if quantization not in QUANTIZATIONS:
        raise unknown_name("quantization", quantization, QUANTIZATIONS)
    if find_spec("bitsandbytes") is None:
        raise missing_dependency("bitsandbytes", extra="quantization", purpose=f"{quantization} loading")
    from transformers import BitsAndBytesConfig

    if quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=[PROJECTION])
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype,
        llm_int8_skip_modules=[PROJECTION],
    )
