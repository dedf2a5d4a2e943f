"""Every tensor of a checkpoint to its home in the model, or an error that names it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from clamr_select.errors import CheckpointError, InputError
from clamr_select.model.checkpoint.keys import PROJECTION, canonical_key, unused_part
from clamr_select.model.checkpoint.lora import LoraConfig, merged, split_lora_key, unwrapped_key
from clamr_select.model.checkpoint.pairs import LoraPair, collect_pairs, missing_targets
from clamr_select.model.checkpoint.projection import SEED, drawn_weight
from clamr_select.model.checkpoint.report import Projection
from clamr_select.model.checkpoint.tensors import LazyTensor, Shape, TensorFiles

PROJECTION_WEIGHT, PROJECTION_BIAS = f"{PROJECTION}.weight", f"{PROJECTION}.bias"
MAX_NAMES = 8
"""Names of one kind in one message."""
BARE = ". It is a bare backbone; to train a retriever on it: clamr-select train --new-projection"


@dataclass(frozen=True)
class Adapter:
    """An adapter's tensors and what its config says of them."""

    name: str
    files: TensorFiles
    lora: LoraConfig


@dataclass(frozen=True)
class Assembly:
    """All of a model's tensors, each made when it is read."""

    tensors: dict[str, LazyTensor]
    """The model's own names; every parameter and persistent buffer is there."""
    projection: Projection
    num_lora_pairs: int
    dropped: dict[str, int]
    """Unused part to its number of tensors."""
    apart: dict[str, LoraPair]
    """Layer to the pair that was not merged into its weight."""


@dataclass(frozen=True)
class _Stored:
    """A tensor in a file."""

    name: str
    shape: Shape
    read: Callable[[], torch.Tensor]


def assemble(
    expected: Mapping[str, Shape],
    *,
    files: TensorFiles,
    name: str,
    adapter: Adapter | None = None,
    linears: Sequence[str] = (),
    keep_apart: Container[str] = (),
    new_projection_seed: int | None = None,
) -> Assembly:
    """Match what is in the files with what the model wants.

    Args:
        expected: the model's names and shapes, complete.
        files: of the whole model, or of the adapter's base.
        name: what ``files`` are, for messages.
        linears: names of the model's linear layers; those that the adapter's config targets must have their pair.
        keep_apart: names of layers whose pair is not merged.
        new_projection_seed: draw the projection, which a bare backbone does not have, to train it.

    Raises:
        InputError: a new projection was asked for and there is one.
        CheckpointError: a tensor has no home, has two, is missing, or has another shape; it is named.
    """
    dropped: Counter[str] = Counter()
    problems: dict[str, list[str]] = {}
    stored = _index(files, {key: key for key in files}, expected=expected, dropped=dropped, problems=problems)
    pairs: dict[str, LoraPair] = {}
    projection: Projection = "checkpoint" if adapter is None else "base"
    if adapter is not None:
        whole, pairs = _adapter_tensors(adapter, expected, linears, dropped=dropped, problems=problems)
        if {PROJECTION_WEIGHT, PROJECTION_BIAS} & whole.keys():
            # both from one place: half of another projection is none
            stored = {key: value for key, value in stored.items() if not key.startswith(f"{PROJECTION}.")}
            projection = "adapter"
        elif PROJECTION_WEIGHT not in stored and PROJECTION_BIAS not in stored:
            stored |= _drawn_projection(expected)
            projection = "drawn"
        stored |= whole
    if new_projection_seed is not None:
        if adapter is not None or {PROJECTION_WEIGHT, PROJECTION_BIAS} & stored.keys():
            raise InputError(f"{name} has a projection already; a new one is for bare backbones")
        stored |= _drawn_projection(expected, seed=new_projection_seed)
        projection = "new"
    missing = [key for key in expected if key not in stored]
    if missing:
        problems["missing"] = sorted(missing)
    bare = not adapter and set(missing) == {PROJECTION_WEIGHT, PROJECTION_BIAS} and len(problems) == 1
    _raise_problems(problems, name=name if adapter is None else f"{adapter.name} on {name}", hint=BARE if bare else "")
    layers = {key.removesuffix(".weight"): pair for key, pair in pairs.items()}
    apart = {layer: pair for layer, pair in layers.items() if layer in keep_apart}
    return Assembly(
        tensors={
            key: _lazy(stored[key], None if key.removesuffix(".weight") in apart else pairs.get(key))
            for key in expected
        },
        projection=projection,
        num_lora_pairs=len(pairs),
        dropped=dict(dropped),
        apart=apart,
    )


def _index(
    files: TensorFiles,
    names: Mapping[str, str],
    *,
    expected: Mapping[str, Shape],
    dropped: Counter[str],
    problems: dict[str, list[str]],
) -> dict[str, _Stored]:
    """Canonical name to tensor; ``names`` are the stored ones and what they are read as."""
    stored: dict[str, _Stored] = {}
    for key, read_as in names.items():
        home = canonical_key(read_as)
        if home is None:
            dropped[unused_part(read_as) or ""] += 1
        elif home not in expected:
            problems.setdefault("of no known home", []).append(key)
        elif home in stored:
            problems.setdefault("twice the same", []).append(f"{stored[home].name} and {key}")
        else:
            if files.shape(key) != expected[home]:
                problems.setdefault("of another shape", []).append(_shapes(key, files.shape(key), expected[home]))
            stored[home] = _Stored(key, files.shape(key), partial(files.read, key))
    return stored


def _adapter_tensors(
    adapter: Adapter,
    expected: Mapping[str, Shape],
    linears: Sequence[str],
    *,
    dropped: Counter[str],
    problems: dict[str, list[str]],
) -> tuple[dict[str, _Stored], dict[str, LoraPair]]:
    """Whole tensors, and the LoRA pairs by the weight they belong to."""
    whole_names = {key: unwrapped_key(key) for key in adapter.files if split_lora_key(key) is None}
    whole = _index(adapter.files, whole_names, expected=expected, dropped=dropped, problems=problems)
    pairs = collect_pairs(adapter.files, adapter.lora, expected=expected, dropped=dropped, problems=problems)
    names = {home: unwrapped_key(stored.name) for home, stored in whole.items()}
    lost = missing_targets(adapter.lora, pairs=pairs, whole=names, linears=linears)
    if lost:
        problems["targets of adapter_config.json without tensors"] = lost
    return whole, pairs


def _drawn_projection(expected: Mapping[str, Shape], *, seed: int = SEED) -> dict[str, _Stored]:
    embedding_dim, hidden_size = expected[PROJECTION_WEIGHT]
    weight = partial(drawn_weight, hidden_size, embedding_dim=embedding_dim, seed=seed)
    return {
        PROJECTION_WEIGHT: _Stored(f"the seed-{seed} draw", (embedding_dim, hidden_size), weight),
        PROJECTION_BIAS: _Stored("zeros", (embedding_dim,), partial(torch.zeros, embedding_dim)),
    }


def _lazy(stored: _Stored, pair: LoraPair | None) -> LazyTensor:
    if pair is None:
        return LazyTensor(stored.read, shape=stored.shape)

    def make() -> torch.Tensor:
        return merged(stored.read(), lora_a=pair.read_a(), lora_b=pair.read_b(), scaling=pair.scaling)

    return LazyTensor(make, shape=stored.shape)


def _shapes(key: str, got: Shape, wanted: Shape) -> str:
    return f"{key} {list(got)}, the model's is {list(wanted)}"


def _raise_problems(problems: Mapping[str, Sequence[str]], *, name: str, hint: str) -> None:
    if not problems:
        return
    said = []
    for kind, names in problems.items():
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        said.append(f"{kind}: {', '.join(names[:MAX_NAMES])}{more}")
    raise CheckpointError(
        f"the weights of {name} do not fit the model; scores would be those of a random one. Tensors "
        + "; ".join(said)
        + hint
    )
