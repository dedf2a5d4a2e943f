"""What is compared, by name: scores of an encoder, BM25 over some text, and fusions of those."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.ranking.encoded import ENCODED, SINGLE_MODALITIES, VOTING
from clamr_select.eval.ranking.words import Terms
from clamr_select.eval.retrieval.encoders.dual import AUDIO
from clamr_select.eval.retrieval.encoders.families import FAMILIES, Family
from clamr_select.eval.retrieval.scores import POOLED, TOKEN_MAX
from clamr_select.training.views import TEXT_MODALITIES

OURS = "clamr"
How = Literal["max", "average", "rrf", "router"]
"""``max`` and ``average`` are over the members that score a video, ``rrf`` adds up reciprocal ranks, ``router`` takes
the member whose modality the question's words name."""
TRAINED_ON = MappingProxyType({f"trained_on_{modality}": modality for modality in SINGLE_MODALITIES})
"""Trained on one modality, shown all of them (the paper's Table 2): the encoder, and whose checkpoint it is."""


@dataclass(frozen=True)
class Scores:
    """A table of an encoder: ``token_max``, ``pooled``, or the MaxSim of a modality."""

    encoder: str
    table: str
    votes: bool = False
    """Its question tokens choose among modalities."""


@dataclass(frozen=True)
class Words:
    """BM25 over the texts of some modalities."""

    modalities: tuple[str, ...]
    terms: Terms


@dataclass(frozen=True)
class Fused:
    """Several as one."""

    how: How
    members: tuple[tuple[str, Scores | Words | Fused], ...]
    """(modality, or name of the member; system)."""


System = Scores | Words | Fused


def find_system(name: str, *, families: Mapping[str, Family] = FAMILIES) -> System:
    """A system by its name, or ``HOW:A+B…`` for a fusion of others: ``rrf:clamr+bm25``.

    Raises:
        UnknownNameError: there is no such system or fusion.
        InputError: a fusion of fewer than two, or a router whose members are not of one modality each.
    """
    how, colon, members = name.partition(":")
    if colon:
        return _fusion(how, members.split("+"), families)
    known = _known(families)
    if name not in known:
        raise unknown_name("system", name, known)
    return known[name]


def _fusion(how: str, names: Sequence[str], families: Mapping[str, Family]) -> Fused:
    if how not in get_args(How):
        raise unknown_name("fusion", how, get_args(How))
    if len(set(names)) < 2:
        raise InputError(f"a fusion is written {how}:A+B, with two systems or more, got {'+'.join(names)!r}")
    members = [(name, find_system(name, families=families)) for name in names]
    labels = [_modality(system) or name for name, system in members]
    if how == "router" and not (set(labels) <= set(SINGLE_MODALITIES) and len(set(labels)) == len(labels)):
        raise InputError(f"a router's members are of one modality each, all different, got {', '.join(names)}")
    if len(set(labels)) < len(labels):
        labels = list(names)
    return Fused(how, tuple((label, system) for label, (_, system) in zip(labels, members, strict=True)))  # type: ignore[arg-type]


def _modality(system: System) -> str:
    """The one modality that it is of, else empty."""
    if isinstance(system, Words):
        return system.modalities[0] if len(system.modalities) == 1 else ""
    if isinstance(system, Scores):
        alone = system.encoder if system.encoder in SINGLE_MODALITIES else ""
        return alone or ("" if system.table in (TOKEN_MAX, POOLED) else system.table)
    return ""


def _known(families: Mapping[str, Family]) -> dict[str, System]:
    found: dict[str, System] = {OURS: Scores(OURS, TOKEN_MAX, votes=True)}
    found |= _of_modalities(OURS, (*SINGLE_MODALITIES, AUDIO))
    found[f"{OURS}_modality_max"] = found.pop(f"{OURS}_max")
    for name, system in ENCODED.items():
        if name in found:
            continue
        view, score = system.view, system.score
        found[name] = Scores(view, POOLED if score == "pooled" else TOKEN_MAX, votes=name in VOTING)
        if score == "average":
            found[name] = _fused("average", view, SINGLE_MODALITIES)
    for name in TRAINED_ON:
        found[name] = Scores(name, TOKEN_MAX, votes=True)
    single = tuple((modality, Scores(modality, TOKEN_MAX)) for modality in SINGLE_MODALITIES)
    found |= {"rrf": Fused("rrf", single), "router": Fused("router", single)}
    for name, family in families.items():
        found |= _of_modalities(name, family.modalities)
    found |= {"bm25": Words(TEXT_MODALITIES, "words"), "bm25_trigrams": Words(TEXT_MODALITIES, "trigrams")}
    return found | {f"bm25_{modality}": Words((modality,), "words") for modality in TEXT_MODALITIES}


def _of_modalities(encoder: str, modalities: Sequence[str]) -> dict[str, System]:
    """Each modality of an encoder, and, where it has several, their fusions."""
    found: dict[str, System] = {f"{encoder}_{m}": Scores(encoder, m) for m in modalities}
    for how in get_args(How) if len(modalities) > 1 else ():
        # a question's words name no sound
        routed = tuple(m for m in modalities if m in SINGLE_MODALITIES) if how == "router" else tuple(modalities)
        found[f"{encoder}_{how}"] = _fused(how, encoder, routed)
    return found


def _fused(how: How, encoder: str, modalities: Sequence[str]) -> Fused:
    return Fused(how, tuple((modality, Scores(encoder, modality)) for modality in modalities))


def groups(families: Mapping[str, Family] = FAMILIES) -> dict[str, tuple[str, ...]]:
    """Names that stand for several systems: ``ours``, ``views`` (a checkpoint each), ``words`` and every family."""
    known = list(_known(families))
    of_families = {family: tuple(n for n in known if n.startswith(f"{family}_")) for family in families}
    ours = tuple(name for name in known if name == OURS or name.startswith(f"{OURS}_"))
    words = tuple(name for name in known if name.startswith("bm25"))
    listed = {*ours, *words, *(name for names in of_families.values() for name in names)}
    return {"ours": ours, "views": tuple(n for n in known if n not in listed), "words": words, **of_families}


def expand(names: Sequence[str], *, families: Mapping[str, Family] = FAMILIES) -> dict[str, System]:
    """Systems by name, groups written out, each once.

    Raises:
        InputError, UnknownNameError: as :func:`find_system`.
    """
    several = groups(families)
    every = dict.fromkeys(one for name in names for one in several.get(name, (name,)))
    if not every:
        raise InputError("nothing to compare: name a system")
    return {name: find_system(name, families=families) for name in every}


def encoders_of(system: System) -> Iterator[str]:
    """The encoders whose scores it needs."""
    if isinstance(system, Scores):
        yield system.encoder
    elif isinstance(system, Fused):
        for _, member in system.members:
            yield from encoders_of(member)


def tables_of(system: System) -> Iterator[Scores | Words]:
    """What it is made of."""
    if isinstance(system, Fused):
        for _, member in system.members:
            yield from tables_of(member)
    else:
        yield system


def checkpoint_of(encoder: str) -> str:
    """The view whose checkpoint one of our encoders is."""
    return TRAINED_ON.get(encoder, encoder)


def part_that_is(system: System, *, tables: Mapping[str, Collection[str]]) -> System | None:
    """The system without members whose encoder has no such modality (a model that does not hear has no ``audio``);
    None where nothing is left.

    Args:
        tables: by encoder.
    """
    if isinstance(system, Scores):
        return system if system.table in tables[system.encoder] else None
    if isinstance(system, Words):
        return system
    kept = [(label, part_that_is(member, tables=tables)) for label, member in system.members]
    members = tuple((label, member) for label, member in kept if member is not None)
    return Fused(system.how, members) if members else None
