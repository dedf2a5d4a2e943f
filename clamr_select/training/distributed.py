"""What processes send each other: documents as negatives, with gradient where there is one, and what is evaluated."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import distributed

Item = TypeVar("Item")


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
    gathered = _AllGather.apply(padded)
    return [part[: int(count)] for part, count in zip(gathered, counts, strict=True)]


def total(value: torch.Tensor) -> torch.Tensor:
    """The sum over all processes, without gradient."""
    summed = value.detach().clone()
    if num_processes() > 1:
        distributed.all_reduce(summed)
    return summed


def to_main_in_turn(own: list[Item], *, count: int) -> list[Item] | None:
    """What the processes dealt out among themselves one by one, in order, in the main process; None in the others.

    Args:
        own: as many in every process.
        count: of all of them together.
    """
    if num_processes() == 1:
        return own[:count]
    parts: list[list[Item]] | None = [[] for _ in range(num_processes())] if process_index() == 0 else None
    distributed.gather_object(own, parts)
    return None if parts is None else [item for row in zip(*parts, strict=True) for item in row][:count]


def from_main(value: Item | None) -> Item | None:
    """The main process's value, in all of them."""
    box = [value]
    if num_processes() > 1:
        distributed.broadcast_object_list(box)
    return box[0]


class _AllGather(torch.autograd.Function):
    """Every process's tensor, of one shape; backward, the sum of what all processes send to this one's."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor) -> torch.Tensor:
        gathered = [torch.empty_like(own) for _ in range(num_processes())]
        distributed.all_gather(gathered, own.contiguous())
        return torch.stack(gathered)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (gradient,) = gradients
        summed = gradient.contiguous()
        distributed.all_reduce(summed)
        return summed[distributed.get_rank()]
