"""Checkpoints: safetensors only, no remote code, and nothing left to chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError, UnsafeWeightsError
from clamr_select.model.configuration_clamr import ClamrConfig
from clamr_select.model.modeling_clamr import ClamrForRetrieval
from clamr_select.model.processing_clamr import ClamrProcessor

NANO = "clamr-nano"
EMBEDDED_MODELS = {NANO: Path(__file__).parent / "nano"}
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def load(
    name_or_path: str,
    *,
    device: str = "auto",
    dtype: str | torch.dtype = "auto",
    revision: str | None = None,
    **options: Any,
) -> tuple[ClamrForRetrieval, ClamrProcessor]:
    """Load a model and its processor.

    Args:
        name_or_path: ``clamr-nano`` (embedded in this package), a directory made by ``save_pretrained``, or a
            hub id.
        device: ``auto`` takes the GPU where there is one.
        dtype: ``auto`` keeps the dtype of the weights on a GPU and computes in float32 on a CPU.
        revision: of the hub repository.
        **options: handed to ``from_pretrained`` (``attn_implementation``, ``device_map``, ``token``,
            ``local_files_only``, ``cache_dir``).

    Raises:
        ModelNotFoundError: no such name, directory or hub id.
        UnsafeWeightsError: the weights are not safetensors.
        CheckpointError: it is not a CLaMR checkpoint, or a tensor is missing, left over or of a wrong shape.
    """
    location = str(EMBEDDED_MODELS.get(name_or_path, name_or_path))
    if options.pop("trust_remote_code", False):
        raise InputError("trust_remote_code is never used here; CLaMR checkpoints need no remote code")
    _refuse_pickles(location)
    device = _device(device)
    if dtype == "auto" and device == "cpu":
        dtype = torch.float32
    placement: dict[str, Any] = {} if "device_map" in options else {"device_map": device}
    hub: dict[str, Any] = {"revision": revision} if revision is not None else {}
    try:
        config = ClamrConfig.from_pretrained(location, **hub, **_hub_options(options))
        _check_type(config, name_or_path)
        loaded: Any = ClamrForRetrieval.from_pretrained(
            location,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # found and named below, with the others
            output_loading_info=True,
            **hub,
            **placement,
            **options,
        )
        processor = ClamrProcessor.from_pretrained(location, **hub, **_hub_options(options))
    except OSError as error:
        raise ModelNotFoundError(_not_found(name_or_path, error)) from error
    model, report = loaded  # a pair, since the loading info was asked for
    _check_report(report, name_or_path)
    return model.eval(), processor


def _not_found(name_or_path: str, error: OSError) -> str:
    reason = str(error).strip().splitlines()[0]
    return (
        f"cannot load the model {name_or_path!r}: {reason} "
        f"Allowed: {', '.join(EMBEDDED_MODELS)}, a directory made by save_pretrained, or a hub id"
    )


def _refuse_pickles(location: str) -> None:
    directory = Path(location)
    if not directory.is_dir() or any(directory.glob("*.safetensors")):
        return
    pickled = sorted(path.name for pattern in PICKLED for path in directory.glob(pattern))
    if pickled:
        raise UnsafeWeightsError(
            f"{location} holds {', '.join(pickled)} and no safetensors; only safetensors are read, since pickled "
            "weights can run code. Convert them where you trust them, with save_pretrained"
        )


def _device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device {device!r} was asked for, but torch sees no CUDA device; use 'cpu' or 'auto'")
    try:
        return str(torch.device(device))
    except RuntimeError as error:
        raise InputError(f"device must be auto, cpu or cuda[:N], got {device!r}") from error


def _hub_options(options: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in options.items() if k in ("token", "local_files_only", "cache_dir")}


def _check_type(config: ClamrConfig, name_or_path: str) -> None:
    stored = getattr(config, "model_type", None)
    if stored != ClamrConfig.model_type or config.vlm_config is None:
        raise CheckpointError(f"{name_or_path} is a {stored!r} checkpoint, not a CLaMR one")


def _check_report(report: dict[str, Any], name_or_path: str) -> None:
    problems = {
        kind: sorted(map(str, report.get(f"{kind}_keys", ()))) for kind in ("missing", "unexpected", "mismatched")
    }
    found = [f"{kind}: {', '.join(keys[:8])}" for kind, keys in problems.items() if keys]
    if found:
        raise CheckpointError(
            f"the weights of {name_or_path} do not fit the model; scores would be those of a random one. "
            + "; ".join(found)
        )
