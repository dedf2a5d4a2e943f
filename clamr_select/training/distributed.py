"""Other processes' documents as negatives: what has to be gathered, with gradient where there is one."""

from __future__ import annotations

import torch
import torch.distributed.nn.functional  # not imported by ``import torch``
from torch import distributed


def num_processes() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def process_index() -> int:
    return distributed.get_rank() if num_processes() > 1 else 0


def gather_rows(rows: torch.Tensor) -> list[torch.Tensor]:
    """Each process's rows, (n_r, …) with n_r of their own; floating rows carry gradient back to their process.

    The gradient that arrives is the sum over the processes.
    """
    if num_processes() == 1:
        return [rows]
    counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(num_processes())]
    distributed.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
    longest = max(int(count) for count in counts)
    padded = torch.cat([rows, rows.new_zeros((longest - len(rows), *rows.shape[1:]))])
    if rows.is_floating_point():
        gathered = list(torch.distributed.nn.functional.all_gather(padded))
    else:
        gathered = [torch.empty_like(padded) for _ in counts]
        distributed.all_gather(gathered, padded.contiguous())
    return [part[: int(count)] for part, count in zip(gathered, counts, strict=True)]


def total(value: torch.Tensor) -> torch.Tensor:
    """The sum over all processes, without gradient."""
    summed = value.detach().clone()
    if num_processes() > 1:
        distributed.all_reduce(summed)
    return summed
