"""What the machine can do: a copy, and its own library's matrix product."""

from __future__ import annotations

import torch

from clamr_select.eval.speed.timing import interleaved

DATA_SHEET_BF16 = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 operations a second (NVIDIA's data sheets), by a part of the device's name; the first that fits."""


def copy_bytes_per_second(*, device: torch.device, num_bytes: int, num_runs: int = 20) -> float:
    """Bytes read and written by a plain copy."""
    source = torch.zeros(num_bytes // 4, device=device)
    target = torch.empty_like(source)
    calls = {"copy": lambda: target.copy_(source)}
    timing = interleaved(calls, device=device, num_runs=num_runs, num_warm_up=3)["copy"]
    return 2 * source.numel() * 4 / (timing.median / 1000)


def matmul_flops_per_second(*, device: torch.device, dtype: torch.dtype, side: int, num_runs: int = 20) -> float:
    """What a square product reaches."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    timing = interleaved({"product": lambda: left @ right}, device=device, num_runs=num_runs, num_warm_up=3)["product"]
    return 2 * side**3 / (timing.median / 1000)


def device_name(device: torch.device) -> str:
    """The GPU's name, or the number of CPU threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, threads: {torch.get_num_threads()}"


def data_sheet_flops_per_second(device: torch.device) -> float | None:
    """In bfloat16; None for a device that is not in the list."""
    name = device_name(device)
    return next((flops for part, flops in DATA_SHEET_BF16.items() if part in name), None)
