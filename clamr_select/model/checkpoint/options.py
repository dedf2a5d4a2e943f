"""Options of loading: read strictly, and transformers' refusals in this library's errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from clamr_select.errors import InputError, MissingDependencyError

OURS = (
    "base", "cache_dir", "device", "dtype", "local_files_only", "new_projection_seed", "quantization", "revision",
    "token",
)  # fmt: skip
"""Options that are read here, whatever transformers takes besides."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def dtype_of(given: Mapping[str, Any]) -> torch.dtype | str | None:
    """What ``dtype`` and its old name ``torch_dtype`` say.

    Args:
        given: those of the two that were given.

    Returns:
        A torch dtype, ``auto``, or None where neither says anything.

    Raises:
        InputError: not a dtype that a model computes in, or the two differ.
    """
    read = {name: _dtype(value, name) for name, value in given.items() if value is not None}
    if len(set(read.values())) > 1:
        raise InputError(
            f"torch_dtype is the old name of dtype; got both: {given['torch_dtype']!r}, {given['dtype']!r}"
        )
    return next(iter(read.values()), None)


def _dtype(value: Any, name: str) -> torch.dtype | str:
    if value == "auto" or (isinstance(value, torch.dtype) and value.is_floating_point):
        return value
    if not isinstance(value, str) or value not in DTYPES:
        raise InputError(f"{name} must be {', '.join(DTYPES)} or auto, got {value!r}")
    return DTYPES[value]


@contextmanager
def explained(options: Mapping[str, Any]) -> Iterator[None]:
    """Around transformers' ``from_pretrained``.

    Raises:
        InputError: an option that neither knows.
        MissingDependencyError: the package of the ``attn_implementation`` is not installed.
    """
    attention = options.get("attn_implementation")
    try:
        yield
    except TypeError as error:  # what is left over goes to the constructor
        unknown = re.search(r"__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
        if unknown is None or unknown[1] not in options:
            raise
        raise InputError(
            f"unknown option {unknown[1]!r}; choose from {', '.join(OURS)}, and transformers' from_pretrained options"
        ) from error
    except ImportError as error:
        if not isinstance(attention, str) or not attention.startswith("flash_attention"):
            raise
        reason = " ".join(str(error).split())
        raise MissingDependencyError(
            f"attn_implementation={attention!r} needs the package 'flash-attn', which cannot be used here; install it, "
            f"or use 'sdpa': {reason}"
        ) from error
