"""Whether an adapter and what it is put on belong together: shapes alone cannot tell, since models share them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from clamr_select.errors import CheckpointError
from clamr_select.model.checkpoint.lora import LoraConfig
from clamr_select.model.checkpoint.pairs import PEFT_PREFIX
from clamr_select.model.checkpoint.source import CONFIG, Source, folder_of

OMNI = "qwen2_5_omni_thinker"
WHOLE_OMNI = "qwen2_5_omni"
"""Thinker, talker and token2wav; an adapter's tensors name the part."""
OMNI_PARTS = ("thinker.", "talker.", "token2wav.")


def check_backbone(keys: Iterable[str], *, lora: LoraConfig, source: Source, base: Source, model_type: str) -> None:
    """Refuse an adapter of another backbone.

    Names of tensors tell one way only: ``thinker.`` is Omni's, but colpali-style adapters of its bare thinker have the
    very names of Qwen2.5-VL's. There, what the adapter's config says of its base decides, where it says it plainly.

    Args:
        keys: the adapter's names of its tensors.
        model_type: the backbone of ``base``.

    Raises:
        CheckpointError: it was trained on another.
    """
    part = next((key for key in keys if key.removeprefix(PEFT_PREFIX).startswith(OMNI_PARTS)), None)
    if part is not None:
        trained_on, evidence = OMNI, f"its tensors are named as {part}"
    else:
        found = _recorded(lora)
        if found is None:
            return
        trained_on, evidence = found
    if trained_on != model_type:
        raise CheckpointError(
            f"{source.name} was trained on a {trained_on} backbone ({evidence}) and {base.name} is {model_type}; "
            "scores would be meaningless. Put it on its own base"
        )


def _recorded(lora: LoraConfig) -> tuple[str, str] | None:
    """The backbone that the adapter's config tells, and how."""
    if isinstance(lora.base_class, str) and "omni" in lora.base_class.lower():
        return OMNI, f"its adapter_config.json says base_model_class {lora.base_class}"
    if lora.base is None:
        return None
    evidence = f"its adapter_config.json says base_model_name_or_path {lora.base}"
    stored = _model_type(lora.base)
    if stored is not None:
        return (OMNI if stored == WHOLE_OMNI else stored), evidence
    name = _last_part(lora.base)
    if re.search(r"qwen2\.5-?omni", name):
        return OMNI, evidence
    if "omni" not in name and re.search(r"qwen2\.5-?vl", name):
        return "qwen2_5_vl", evidence
    return None


def _model_type(name: str) -> str | None:
    """Of the backbone in a local folder, None where there is none."""
    config = folder_of(name) / CONFIG
    try:
        stored = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(stored, dict):
        return None
    inner = stored.get("vlm_config")
    found = (inner if isinstance(inner, dict) else stored).get("model_type")
    return found if isinstance(found, str) else None


def unverified_base(lora: LoraConfig, *, base: Source, config_name: str | None) -> tuple[str, str] | None:
    """A warning (code, message) where the base is not known to be the one that the adapter was trained on.

    Args:
        base: what the adapter is put on.
        config_name: ``_name_or_path`` of its ``config.json``.
    """
    if lora.base is None or base.name == lora.base:
        return None
    wanted = _last_part(lora.base)
    # the hub's cache keeps a model under models--owner--name/snapshots/commit
    cached = [part.rpartition("--")[2].lower() for part in Path(base.name).parts if part.startswith("models--")]
    if wanted in {_last_part(base.name), *cached, _last_part(config_name or "")}:
        return None
    local = Path(base.name).expanduser().is_dir()
    if local and not _is_hub_id(config_name):
        return "base_unverified", f"the adapter was trained on {lora.base}; whether {base.name} is that is not known"
    given = config_name if local else base.name
    return "base_differs", f"the adapter was trained on {lora.base} and put on {given}; scores may be meaningless"


def _last_part(name: str) -> str:
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()


def _is_hub_id(name: str | None) -> bool:
    return name is not None and re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None
