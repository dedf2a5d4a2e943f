"""4-bit and 8-bit weights through bitsandbytes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig

from clamr_select.errors import InputError, missing_dependency, unknown_name
from clamr_select.model.checkpoint.keys import PROJECTION

QUANTIZATIONS = ("4bit", "8bit")


def quantization_config(quantization: str, *, compute_dtype: torch.dtype) -> Any:
    """transformers' config for ``4bit`` (nf4 with double quantisation, as the paper trained) or ``8bit`` (LLM.int8).

    Every linear layer but the projection is quantised, as in the released code. A LoRA pair stays beside its quantised
    weight (:mod:`clamr_select.model.checkpoint.apart`), unrounded: that is what was trained and evaluated (QLoRA), and
    never further from the exact sum than rounding the sum. Measured, nf4 on gaussian weights, as a share of the norm
    of the sum: both 0.092 where the pair is a hundredth or a tenth of the weight, 0.082 to 0.092 where it is half,
    0.065 to 0.092 where it is as large. It costs the pairs' memory, 0.5 GB at r = 128 on a 3B model.

    Raises:
        UnknownNameError: neither of the two.
        MissingDependencyError: bitsandbytes is not installed.
    """
    if quantization not in QUANTIZATIONS:
        raise unknown_name("quantization", quantization, QUANTIZATIONS)
    if find_spec("bitsandbytes") is None:
        raise missing_dependency("bitsandbytes", extra="quantization", purpose=f"{quantization} loading")
    if quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=[PROJECTION])
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype,
        llm_int8_skip_modules=[PROJECTION],
    )


def own_quantization(given: Any) -> tuple[str, BitsAndBytesConfig]:
    """Which of ``QUANTIZATIONS`` the caller's ``quantization_config`` is, and that config with the projection skipped.

    Raises:
        InputError: neither of them, or both.
    """
    settings = given if isinstance(given, Mapping) else getattr(given, "to_dict", dict)()
    asked = [name for name in QUANTIZATIONS if settings.get(f"load_in_{name}")]
    if settings.get("quant_method", "bitsandbytes") != "bitsandbytes" or len(asked) != 1:
        raise InputError(
            f"quantization_config must be of bitsandbytes, with load_in_4bit or load_in_8bit, got {given!r}; or give "
            f"quantization={QUANTIZATIONS[0]!r} or {QUANTIZATIONS[1]!r}"
        )
    skipped = [*(settings.get("llm_int8_skip_modules") or ()), PROJECTION]
    return asked[0], BitsAndBytesConfig.from_dict({**settings, "llm_int8_skip_modules": skipped})


def quantized_linears(model: nn.Module) -> set[str]:
    """Names of the layers that :func:`quantization_config` quantises."""
    return {name for name, module in model.named_modules() if isinstance(module, nn.Linear) and name != PROJECTION}
