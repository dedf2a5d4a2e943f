"""Load a model and its processor: safetensors only, no remote code, and nothing left to chance.

What can be loaded: this library's own saves, LoRA adapters in peft's format (the published CLaMR, colpali-style) on
their base, and merged checkpoints of other libraries, from a directory or the hub.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from transformers.modeling_utils import PreTrainedModel

from clamr_select.errors import CheckpointError, InputError
from clamr_select.model.checkpoint.adapter_base import check_backbone, unverified_base
from clamr_select.model.checkpoint.apart import put_beside
from clamr_select.model.checkpoint.assemble import Adapter, Assembly, assemble
from clamr_select.model.checkpoint.find import Checkpoint, find_checkpoint
from clamr_select.model.checkpoint.options import dtype_of, explained
from clamr_select.model.checkpoint.processor import load_processor
from clamr_select.model.checkpoint.quantization import own_quantization, quantization_config, quantized_linears
from clamr_select.model.checkpoint.report import CheckpointWarning, LoadReport
from clamr_select.model.checkpoint.source import EMBEDDED_MODELS, NANO, HubOptions
from clamr_select.model.checkpoint.tensors import Shape, TensorFiles
from clamr_select.model.modeling_clamr import ClamrForRetrieval
from clamr_select.model.processing_clamr import ClamrProcessor

__all__ = ["EMBEDDED_MODELS", "NANO", "load", "load_model", "match_weights"]

HUB_OPTIONS = ("revision", "cache_dir", "token", "local_files_only")
REFUSED = {
    "trust_remote_code": "CLaMR checkpoints need no remote code",
    "subfolder": "give the folder itself, or the repository that has the model at its top",
    "gguf_file": "only safetensors are read",
    "variant": "the files are named as in adapter_config.json, config.json and model.safetensors.index.json",
}
DRAWN = (
    "projection_assumed",
    "neither the adapter {adapter} nor its base {base} holds the projection's own weight; it was taken to be the draw "
    "of seed 42 that the released training made (transformers 4.51), bias 0. Scores of an adapter that was trained "
    "from another draw are meaningless",
)
NEW_PROJECTION = ("projection_new", "the projection was drawn anew, to be trained; until then scores are meaningless")


def load(
    name_or_path: str | Path,
    *,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    revision: str | None = None,
    **options: Any,
) -> tuple[ClamrForRetrieval, ClamrProcessor]:
    """Load a model and its processor.

    Args:
        name_or_path: ``clamr-nano`` (embedded in this package), a directory, or a hub id.
        device: ``auto`` takes the GPU where there is one.
        dtype: ``float32``, ``bfloat16``, ``float16`` or torch's; ``auto`` keeps the dtype of the weights on a GPU and
            computes in float32 on a CPU. ``torch_dtype`` is its old name.
        revision: of the hub repository.
        **options: as in :func:`load_model`.

    Raises:
        ModelNotFoundError: no such name, directory or hub id.
        UnsafeWeightsError: the weights are not safetensors.
        CheckpointError: it is not a CLaMR checkpoint, or a tensor is missing, left over or of a wrong shape.
        InputError: an option that is out of range, or that there is not.
        MissingDependencyError: an optional package is not installed that an option needs.
    """
    device = device_name(device)
    # "auto" is what it is where it is not given
    given = {name: options.pop(name) for name in ("torch_dtype",) if name in options}
    chosen = dtype_of({**given, **({} if dtype == "auto" and given else {"dtype": dtype})})
    if chosen == "auto" and device == "cpu":
        chosen = torch.float32
    options.setdefault("device_map", device)
    checkpoint, options = _find(name_or_path, {**options, "revision": revision})
    model = _load(ClamrForRetrieval, checkpoint, dtype=chosen, **options)
    return model, load_processor(checkpoint)


def load_model(model_class: type[ClamrForRetrieval], name_or_path: str | Path, **options: Any) -> Any:
    """``ClamrForRetrieval.from_pretrained``: the model alone, by Hugging Face's conventions.

    Args:
        name_or_path: as in :func:`load`.
        **options: ``base`` (what an adapter is put on, instead of what its config names: a directory or hub id),
            ``quantization`` (``4bit`` or ``8bit``), ``new_projection_seed`` (makes a retriever, to be trained, of a
            bare backbone, whose files hold no projection), ``revision``, ``cache_dir``, ``token``,
            ``local_files_only``, and what else transformers' ``from_pretrained`` takes: ``dtype``, ``device_map``,
            ``max_memory``, ``offload_folder`` (needed where a part of an adapter's model is put on ``disk``),
            ``attn_implementation``, … and ``quantization_config``, of bitsandbytes alone: 4 or 8 bits set up otherwise
            than by ``quantization``; projection and adapter stay unrounded all the same.
    """
    with_info = options.pop("output_loading_info", False)
    options["dtype"] = dtype_of({name: options.pop(name) for name in ("dtype", "torch_dtype") if name in options})
    checkpoint, options = _find(name_or_path, options)
    model = _load(model_class, checkpoint, **options)
    return (model, {"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": set()}) if with_info else model


def _find(name_or_path: str | Path, options: dict[str, Any]) -> tuple[Checkpoint, dict[str, Any]]:
    """The checkpoint, and the options that are not about finding it."""
    for name, reason in REFUSED.items():
        if options.pop(name, None):
            raise InputError(f"{name} is never used here; {reason}")
    hub = HubOptions(**{name: options.pop(name) for name in HUB_OPTIONS if options.get(name) is not None})
    rest = {name: value for name, value in options.items() if name not in HUB_OPTIONS}
    return find_checkpoint(name_or_path, base=rest.pop("base", None), hub=hub), rest


def _load(
    model_class: type[ClamrForRetrieval],
    checkpoint: Checkpoint,
    *,
    dtype: str | torch.dtype | None = None,
    quantization: str | None = None,
    new_projection_seed: int | None = None,
    config: Any = None,
    **options: Any,
) -> ClamrForRetrieval:
    config = config or checkpoint.config
    source = checkpoint.source
    if quantization is not None:
        if options.get("quantization_config") is not None:
            raise InputError("give quantization or quantization_config, not both")
        compute_dtype = dtype if isinstance(dtype, torch.dtype) else torch.bfloat16
        options["quantization_config"] = quantization_config(quantization, compute_dtype=compute_dtype)
    elif options.get("quantization_config") is not None:
        quantization, options["quantization_config"] = own_quantization(options["quantization_config"])
    assembly = None
    if source.kind == "own":
        if new_projection_seed is not None:
            raise InputError(f"{source.name} has a projection already; a new one is for bare backbones")
        TensorFiles(source.weight_files)  # a damaged file is named here; transformers would not say which
        weights: dict[str, Any] = {"use_safetensors": True}
        location = str(source.directory)
    else:
        assembly = match_weights(
            checkpoint,
            model_class=model_class,
            config=config,
            quantized=quantization is not None,
            new_projection_seed=new_projection_seed,
        )
        weights = {"state_dict": assembly.tensors}
        location = None
        dtype = _stored_dtype(checkpoint) if dtype in (None, "auto") else dtype
    # a pair, since the loading info is asked for
    with explained(options):
        model, info = PreTrainedModel.from_pretrained.__func__(  # type: ignore[attr-defined]
            model_class,
            location,
            config=config,
            ignore_mismatched_sizes=True,  # found and named below, with the others
            output_loading_info=True,
            **({} if dtype is None else {"dtype": dtype}),
            **weights,
            **options,
        )
    _check_info(info, source.name)
    if assembly is not None and assembly.apart:
        put_beside(model, assembly.apart, dtype=model.dtype)
    model.load_report = _report(checkpoint, model, assembly=assembly, quantization=quantization)
    return model.eval()


def match_weights(
    checkpoint: Checkpoint,
    *,
    model_class: type[ClamrForRetrieval] = ClamrForRetrieval,
    config: Any = None,
    quantized: bool = False,
    new_projection_seed: int | None = None,
) -> Assembly:
    """Every tensor in the files to its home in the model, without reading one: a check that takes a second, however
    large the model is.

    Args:
        config: instead of the checkpoint's.
        quantized: LoRA pairs of layers that will be quantised are kept apart.
        new_projection_seed: of the projection that a bare backbone gets.

    Raises:
        CheckpointError: a tensor has no home, is missing, or has another shape; it is named. Or an adapter was trained
            on another backbone than its base's.
    """
    with torch.device("meta"):
        skeleton = model_class(config or checkpoint.config)
    expected: dict[str, Shape] = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    adapter = None
    if checkpoint.lora is not None:
        files = TensorFiles(checkpoint.source.weight_files)
        adapter = Adapter(checkpoint.source.name, files, checkpoint.lora)
        check_backbone(
            files,
            lora=checkpoint.lora,
            source=checkpoint.source,
            base=checkpoint.whole,
            model_type=checkpoint.backbone.model_type,
        )
    return assemble(
        expected,
        files=TensorFiles(checkpoint.whole.weight_files),
        name=checkpoint.whole.name,
        adapter=adapter,
        linears=[name for name, module in skeleton.named_modules() if isinstance(module, torch.nn.Linear)],
        keep_apart=quantized_linears(skeleton) if quantized else (),
        new_projection_seed=new_projection_seed,
    )


def _stored_dtype(checkpoint: Checkpoint) -> torch.dtype:
    """Of most weights in the files of the whole model."""
    return TensorFiles(checkpoint.whole.weight_files).main_dtype()


def _report(
    checkpoint: Checkpoint, model: ClamrForRetrieval, *, assembly: Assembly | None, quantization: str | None
) -> LoadReport:
    noted = [tuple(note) for note in model.config.assumptions]
    if assembly is not None and assembly.projection == "drawn":
        code, text = DRAWN
        message = text.format(adapter=checkpoint.source.name, base=checkpoint.whole.name)
        warnings.warn(message, CheckpointWarning, stacklevel=5)
        noted.append((code, message))
        model.config.assumptions = [list(note) for note in noted]  # saved with the weights
    if assembly is not None and assembly.projection == "new":
        noted.append(NEW_PROJECTION)  # of this model alone: what is saved after training has been trained
    if checkpoint.lora is not None and checkpoint.base is not None:
        stored_name = checkpoint.base.config.get("_name_or_path")
        config_name = stored_name if isinstance(stored_name, str) else None
        unverified = unverified_base(checkpoint.lora, base=checkpoint.base, config_name=config_name)
        noted += [] if unverified is None else [unverified]
    return LoadReport(
        name=checkpoint.source.name,
        kind=checkpoint.source.kind,
        backbone=checkpoint.backbone.model_type,
        base=None if checkpoint.base is None else checkpoint.base.name,
        num_tensors=len(model.state_dict() if assembly is None else assembly.tensors),
        num_lora_pairs=0 if assembly is None else assembly.num_lora_pairs,
        projection="checkpoint" if assembly is None else assembly.projection,
        dropped={} if assembly is None else assembly.dropped,
        quantization=quantization,
        warnings=tuple(noted),  # type: ignore[arg-type]  # pairs
    )


def device_name(device: str | torch.device) -> str:
    """What torch calls it; ``auto`` is the GPU where there is one.

    Raises:
        InputError: there is no such device here.
    """
    if not isinstance(device, str | torch.device):
        raise InputError(f"device must be auto, cpu, cuda[:N] or mps, got {device!r}")
    name = str(device)
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device {name!r} was asked for, but torch sees no CUDA device; use 'cpu' or 'auto'")
    if name.startswith("mps") and not torch.backends.mps.is_available():
        raise InputError(f"device {name!r} was asked for, but torch sees no MPS device; use 'cpu' or 'auto'")
    try:
        return str(torch.device(name))
    except RuntimeError as error:
        raise InputError(f"device must be auto, cpu, cuda[:N] or mps, got {name!r}") from error


def _check_info(info: Any, name: str) -> None:
    problems = {
        kind: sorted(map(str, info.get(f"{kind}_keys", ()))) for kind in ("missing", "unexpected", "mismatched")
    }
    found = [f"{kind}: {', '.join(keys[:8])}" for kind, keys in problems.items() if keys]
    if found:
        raise CheckpointError(
            f"the weights of {name} do not fit the model; scores would be those of a random one. " + "; ".join(found)
        )
