"""Tensors on disk, read one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from clamr_select.errors import CheckpointError

Shape = tuple[int, ...]
_DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


class TensorFiles:
    """The tensors of one or more safetensors files under their stored names; nothing is read before it is asked for.

    Raises:
        CheckpointError: a file is damaged, or two files hold the same name.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files: dict[str, Any] = {}
        for path in paths:
            try:
                opened = safe_open(path, framework="pt", device="cpu")
            except (SafetensorError, OSError) as error:
                raise CheckpointError(f"{path} cannot be read as safetensors: {error}") from error
            for name in opened.keys():  # noqa: SIM118 (a file handle, not a mapping)
                if name in self._files:
                    raise CheckpointError(f"{path} holds {name}, which another of its files holds too")
                self._files[name] = opened

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def shape(self, name: str) -> Shape:
        return tuple(self._files[name].get_slice(name).get_shape())

    def main_dtype(self) -> torch.dtype:
        """Of the most tensors."""
        counts = Counter(self._files[name].get_slice(name).get_dtype() for name in self)
        return _DTYPES.get(counts.most_common(1)[0][0], torch.float32)

    def read(self, name: str) -> torch.Tensor:
        return self._files[name].get_tensor(name)


class LazyTensor:
    """A tensor that is made when it is indexed, as transformers does with each weight in turn while it loads: so no
    more than a few whole tensors are held besides the model itself.

    Args:
        make: gives the tensor.
        shape: of what it gives.
    """

    def __init__(self, make: Callable[[], torch.Tensor], *, shape: Shape) -> None:
        self._make = make
        self.shape = shape

    def __getitem__(self, index: Any) -> torch.Tensor:
        return self._make()[index]
