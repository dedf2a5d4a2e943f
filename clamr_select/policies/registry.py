"""Policies by name: those of this package, and those that other packages register."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from clamr_select.errors import InputError, unknown_name
from clamr_select.policies.air import air
from clamr_select.policies.aks import aks, aks_bins
from clamr_select.policies.determinants import dpp, omp
from clamr_select.policies.efs import efs
from clamr_select.policies.focus import focus
from clamr_select.policies.markey import markey
from clamr_select.policies.mdp3 import mdp3
from clamr_select.policies.mmr import mmr
from clamr_select.policies.peak_and_spread import peak_and_spread
from clamr_select.policies.qca import qca
from clamr_select.policies.result import PolicyResult
from clamr_select.policies.sampling import bolt, gumbel_topk
from clamr_select.policies.tass import tass
from clamr_select.policies.topk import topk
from clamr_select.policies.topk_gap import topk_gap
from clamr_select.policies.uniform import uniform
from clamr_select.policies.wfs_sb import wfs_sb

Policy = Callable[..., PolicyResult]
"""Takes (scores, timestamps_seconds, num_frames) with 1 <= num_frames <= number of candidates, and its own
parameters by keyword; one called ``embeddings`` or ``similarity`` is given what ``select_indices`` was given."""

ENTRY_POINT_GROUP = "clamr_select.policies"

DEFAULT_POLICY = "topk_gap"

POLICIES: dict[str, Policy] = {
    "uniform": uniform,
    "topk": topk,
    "topk_gap": topk_gap,
    "tass": tass,
    "aks": aks,
    "aks_bins": aks_bins,
    "bolt": bolt,
    "gumbel_topk": gumbel_topk,
    "peak_and_spread": peak_and_spread,
    "focus": focus,
    "air": air,
    "wfs_sb": wfs_sb,
    "mmr": mmr,
    "dpp": dpp,
    "mdp3": mdp3,
    "omp": omp,
    "markey": markey,
    "qca": qca,
    "efs": efs,
}
"""Those of this package. Other packages add theirs by an entry point, see :func:`policy_names`."""

_INPUTS = ("embeddings", "similarity")


def policy_names() -> tuple[str, ...]:
    """All names: of this package, then of the entry points in the group ``clamr_select.policies``, not loaded."""
    return (*POLICIES, *sorted({entry.name for entry in _entry_points()} - set(POLICIES)))


def find_policy(name: str) -> Policy:
    """The function of that name.

    Raises:
        UnknownNameError: there is none.
        InputError: two packages register the name, or one a name of this package; or what is registered is no function.
    """
    registered = [entry for entry in _entry_points() if entry.name == name]
    owners = [entry.dist.name if entry.dist else entry.value for entry in registered]
    if name in POLICIES and not registered:
        return POLICIES[name]
    if not registered:
        raise unknown_name("policy", name, policy_names())
    if len(registered) > 1 or name in POLICIES:
        owners = [*(["clamr-select"] if name in POLICIES else []), *owners]
        raise InputError(f"policy {name!r} is registered by {', '.join(owners)}; uninstall all but one of them")
    function = registered[0].load()
    if not callable(function):
        raise InputError(f"policy {name!r} of {owners[0]} is a {type(function).__name__}; it must be a function")
    return function


def policy_parameters(name: str) -> tuple[str, ...]:
    """Names of a policy's own parameters, sorted."""
    return tuple(sorted(set(_keywords(name)) - set(_INPUTS)))


def check_parameters(name: str, parameters: Iterable[str]) -> None:
    """
    Raises:
        UnknownNameError: there is no such policy.
        InputError: it has no parameter of one of these names.
    """
    allowed = policy_parameters(name)
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        raise InputError(
            f"policy {name!r} has no parameter {', '.join(map(repr, unknown))}; allowed: {', '.join(allowed) or 'none'}"
        )


def policy_inputs(name: str) -> dict[str, bool]:
    """What else than scores and times a policy takes (``embeddings``, ``similarity``), and whether it needs it."""
    return {key: p.default is inspect.Parameter.empty for key, p in _keywords(name).items() if key in _INPUTS}


def _keywords(name: str) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(find_policy(name)).parameters
    return {key: p for key, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}


@cache
def _entry_points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=ENTRY_POINT_GROUP))
