"""The A and B of an adapter, paired, checked and complete."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from clamr_select.model.checkpoint.keys import BACKBONE, PROJECTION, RELEASED_PROJECTION, canonical_key, unused_part
from clamr_select.model.checkpoint.lora import LoraConfig, split_lora_key
from clamr_select.model.checkpoint.tensors import Shape, TensorFiles

PEFT_PREFIX = "base_model.model."
LANGUAGE_MODEL = f"{BACKBONE}.language_model."
LAYOUTS = (
    "model.", "model.language_model.", "language_model.", "thinker.model.", "thinker.model.language_model.",
    "vlm.language_model.",
)  # fmt: skip
"""What the layouts of :mod:`clamr_select.model.checkpoint.keys` put before ``layers.3.mlp.up_proj``."""
PROJECTION_NAMES = [RELEASED_PROJECTION, PROJECTION]


@dataclass(frozen=True)
class LoraPair:
    """What is added to one weight: ``scaling * B @ A``."""

    module: str
    """As it was called in the model that was trained."""
    scaling: float
    read_a: Callable[[], torch.Tensor]
    read_b: Callable[[], torch.Tensor]


def collect_pairs(
    files: TensorFiles,
    lora: LoraConfig,
    *,
    expected: Mapping[str, Shape],
    dropped: Counter[str],
    problems: dict[str, list[str]],
) -> dict[str, LoraPair]:
    """The model's weight to its pair; what does not fit goes to ``problems``, by kind."""
    halves: dict[str, dict[str, str]] = {}
    for key in files:
        split = split_lora_key(key)
        if split is not None:
            module, part = split
            halves.setdefault(module, {})[part] = key
    pairs: dict[str, LoraPair] = {}
    for stored_module, parts in halves.items():
        home = canonical_key(stored_module)
        if home is None:
            dropped[unused_part(stored_module) or ""] += len(parts)
            continue
        weight, module = f"{home}.weight", stored_module.removeprefix(PEFT_PREFIX)
        if len(parts) == 1:
            present, absent = next(iter(parts.values())), "B" if "A" in parts else "A"
            problems.setdefault("without their other half", []).append(
                f"{present} (no {stored_module}.lora_{absent}.weight)"
            )
        elif weight not in expected:
            problems.setdefault("of no known home", []).extend(parts.values())
        elif weight in pairs:
            problems.setdefault("twice the same", []).append(f"{pairs[weight].module} and {module}")
        elif wrong := _wrong_shapes(files, parts, rank=lora.rank_of(module), weight=expected[weight]):
            problems.setdefault("of another shape", []).extend(wrong)
        else:
            pairs[weight] = LoraPair(
                module=module,
                scaling=lora.scaling_of(module),
                read_a=partial(files.read, parts["A"]),
                read_b=partial(files.read, parts["B"]),
            )
    return pairs


def _wrong_shapes(files: TensorFiles, parts: Mapping[str, str], *, rank: int, weight: Shape) -> list[str]:
    if len(weight) != 2:
        return [f"{key} for a weight {list(weight)} that is no matrix" for key in parts.values()]
    wanted = {"A": (rank, weight[1]), "B": (weight[0], rank)}
    return [
        f"{key} {list(files.shape(key))}, rank {rank} and the model want {list(wanted[part])}"
        for part, key in parts.items()
        if files.shape(key) != wanted[part]
    ]


def missing_targets(
    lora: LoraConfig,
    *,
    pairs: Mapping[str, LoraPair],
    whole: Mapping[str, str],
    linears: Sequence[str],
) -> list[str]:
    """Modules that the adapter's config says were trained and that have nothing in its file.

    ``target_modules`` speaks of names in the model that was trained. Those are built from what its pairs show of the
    layout. With no pair in the language model, a module is missed that any known layout makes a target and none
    excludes.

    Args:
        whole: the model's names of the tensors that the adapter holds whole, to the stored ones.
        linears: the model's names of its linear layers.
    """
    shown = {_layout(pair.module, weight) for weight, pair in pairs.items() if weight.startswith(LANGUAGE_MODEL)}
    layouts = sorted(shown or _possible_layouts(pair.module for pair in pairs.values()))
    lost = []
    # the language model first, which says most when a whole adapter is absent
    for module in sorted(linears, key=lambda name: not name.startswith(LANGUAGE_MODEL)):
        if f"{module}.weight" in pairs or f"{module}.weight" in whole:
            continue
        trained_as = PROJECTION_NAMES if module == PROJECTION else [_stored_as(module, layout) for layout in layouts]
        if not shown and any(map(lora.excludes, trained_as)):
            continue
        lost += [name for name in trained_as if lora.targets(name)][:1]
    stored = [f".{name}." for name in whole.values()]
    return lost + [name for name in lora.modules_to_save if not any(f".{name}." in each for each in stored)]


def _possible_layouts(modules: Iterable[str]) -> set[str]:
    """The layouts that a module of a tower leaves possible; all of them where there is none."""
    for module in modules:
        tower = re.search(r"(?:^|\.)(?:visual|audio_tower)\.", module)
        if tower is not None:
            root = module[: tower.start() + module[tower.start()].count(".")]
            return {layout for layout in LAYOUTS if _beside(layout) == root}
    return set(LAYOUTS)


def _layout(module: str, weight: str) -> str:
    """What stands before ``layers.3.mlp.up_proj``, e.g. ``model.`` or ``thinker.model.language_model.``"""
    return module.removesuffix(weight.removeprefix(LANGUAGE_MODEL).removesuffix(".weight"))


def _stored_as(module: str, layout: str) -> str:
    """A module's name in that layout: towers stand beside ``language_model``, or beside the old ``model``."""
    if module.startswith(LANGUAGE_MODEL):
        return layout + module.removeprefix(LANGUAGE_MODEL)
    return _beside(layout) + module.removeprefix(f"{BACKBONE}.")


def _beside(layout: str) -> str:
    return layout.removesuffix("language_model.") if layout.endswith("language_model.") else layout[: -len("model.")]
