"""What a name stands for: the files, the base under an adapter, the backbone, and the config of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig
from transformers.configuration_utils import PreTrainedConfig

from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError
from clamr_select.model.backbones import BACKBONES, Backbone, backbone_for
from clamr_select.model.checkpoint.lora import LoraConfig, read_lora_config
from clamr_select.model.checkpoint.source import HubOptions, Source, find_source
from clamr_select.model.configuration_clamr import ClamrConfig

OWN_CODE = "it brings code of its own, which is never run here"


@dataclass(frozen=True)
class Checkpoint:
    """A model that can be loaded."""

    source: Source
    base: Source | None
    """Under an adapter, else None."""
    lora: LoraConfig | None
    config: ClamrConfig
    backbone: Backbone

    @property
    def whole(self) -> Source:
        """The files of a whole model: the base's, or its own."""
        return self.base or self.source


def find_checkpoint(
    name_or_path: str | Path, *, base: str | Path | None = None, hub: HubOptions | None = None
) -> Checkpoint:
    """Find a model and what it stands on; nothing is read but small files.

    Args:
        name_or_path: ``clamr-nano``, a directory, or a hub id.
        base: what an adapter is put on, instead of what its config names.
        hub: how to ask the hub; its revision is the named model's, not its base's.

    Raises:
        ModelNotFoundError, UnsafeWeightsError, CheckpointError: see :func:`find_source`; also no known backbone.
        InputError: ``base`` is given and ``name_or_path`` is no adapter.
    """
    hub = hub or HubOptions()
    source = find_source(name_or_path, hub=hub)
    if source.kind != "adapter":
        if base is not None:
            raise InputError(f"base is for adapters; {source.name} is a whole model")
        config = _config(source)
        return Checkpoint(source, None, None, config, _backbone(config))
    lora = read_lora_config(source.directory)
    found_base = _find_base(source, lora, base=base, hub=hub)
    config = _config(found_base)
    return Checkpoint(source, found_base, lora, config, _backbone(config))


def _backbone(config: ClamrConfig) -> Backbone:
    backbone = backbone_for(config.vlm_config.model_type)  # type: ignore[union-attr]  # an object by now
    backbone.check()
    return backbone


def _find_base(source: Source, lora: LoraConfig, *, base: str | Path | None, hub: HubOptions) -> Source:
    name = base or lora.base
    if name is None:
        raise CheckpointError(
            f"{source.name}: adapter_config.json names no base model (base_model_name_or_path); give one with base="
        )
    revision = lora.base_revision if base is None else None
    reach = HubOptions(revision, hub.cache_dir, hub.token, hub.local_files_only)
    try:
        found = find_source(name, hub=reach)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(f"{source.name} is an adapter; its base: {error}. base= takes a local copy") from error
    if found.kind == "adapter":
        raise CheckpointError(f"{source.name}: its base {found.name} is an adapter itself; merge that one first")
    return found


def _config(source: Source) -> ClamrConfig:
    if source.kind == "own":
        config = ClamrConfig.from_pretrained(source.directory)
        if config.vlm_config is None:
            raise CheckpointError(f"{source.name}: config.json has no vlm_config")
        return config
    vlm_config = _bare_config(source)
    return ClamrConfig(vlm_config=vlm_config, modalities=backbone_for(vlm_config.model_type).modalities)


def _bare_config(source: Source) -> PreTrainedConfig:
    """Of the backbone, found inside what another library saved."""
    stored = source.config.get("model_type")
    refusal = f"{source.name} is a {stored!r} checkpoint, which stands on none of {', '.join(sorted(BACKBONES))}"
    try:
        # without the argument, transformers asks on the terminal whether to run the code, and runs it on "y"
        config: Any = AutoConfig.from_pretrained(source.directory, trust_remote_code=False)
    except (ValueError, KeyError) as error:
        reason = OWN_CODE if "trust_remote_code" in str(error) else str(error)
        raise CheckpointError(f"{refusal}: {reason}") from error
    for part in ("thinker_config", "vlm_config"):
        inner = getattr(config, part, None)
        config = inner if isinstance(inner, PreTrainedConfig) else config
    if config.model_type not in BACKBONES:
        raise CheckpointError(refusal)
    return config
