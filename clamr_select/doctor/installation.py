"""Versions against what the package's own metadata asks for, extras, the GPU, and where downloads are kept."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from clamr_select.doctor.report import Check

PACKAGE = "clamr-select"
NOT_FOR_USE = ("all", "dev")
"""Extras that are sums of others, or for work on this package."""
BROUGHT_ALONG = ("tokenizers", "huggingface-hub")
"""Needed by way of transformers."""


def check_versions() -> list[Check]:
    """Python and every package that is needed, one check each."""
    try:
        wanted = metadata(PACKAGE)["Requires-Python"]
    except PackageNotFoundError:
        return [Check("versions", "failed", f"{PACKAGE} is not installed, only imported; run: pip install {PACKAGE}")]
    running = platform.python_version()
    fits = SpecifierSet(wanted).contains(running, prereleases=True)
    checks = [Check("python", "ok" if fits else "failed", f"{running} (needs {wanted})")]
    checks += [check_requirement(requirement) for requirement in _requirements(PACKAGE)]
    if _installed("transformers") is not None:
        needed = [each for each in _requirements("transformers") if each.name in BROUGHT_ALONG]
        checks += [check_requirement(requirement) for requirement in needed]
    return checks


def check_requirement(requirement: Requirement) -> Check:
    """Whether a package is installed in a version that will do."""
    installed, wanted = _installed(requirement.name), str(requirement.specifier)
    if installed is None:
        return Check(requirement.name, "failed", f"not installed; run: pip install '{requirement.name}{wanted}'")
    if not requirement.specifier.contains(installed, prereleases=True):
        message = f"{installed}, needs {wanted}; run: pip install '{requirement.name}{wanted}'"
        return Check(requirement.name, "failed", message)
    return Check(requirement.name, "ok", f"{installed} (needs {wanted})")


def check_extras() -> list[Check]:
    """Which of the extras have all their packages."""
    try:
        extras = metadata(PACKAGE).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return []  # the versions have said it
    return [_check_extra(extra) for extra in extras if extra not in NOT_FOR_USE]


def _check_extra(extra: str) -> Check:
    name, repair = f"extra {extra}", f"run: pip install '{PACKAGE}[{extra}]'"
    checks = [check_requirement(requirement) for requirement in _requirements(PACKAGE, extra=extra)]
    absent = [check.name for check in checks if _installed(check.name) is None]
    if absent:
        return Check(name, "absent", f"needs {', '.join(absent)}; {repair}")
    unfit = [f"{check.name} {check.message.split(';')[0]}" for check in checks if check.status == "failed"]
    if unfit:
        return Check(name, "warning", f"{', '.join(unfit)}; {repair}")
    return Check(name, "ok", ", ".join(f"{check.name} {_installed(check.name)}" for check in checks))


def _requirements(package: str, *, extra: str = "") -> Iterator[Requirement]:
    """Of this machine; with ``extra`` those that it adds."""
    for line in requires(package) or ():
        requirement = Requirement(line)
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        added = requirement.marker is not None and not needed and requirement.marker.evaluate({"extra": extra})
        if added if extra else needed:
            yield requirement


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_gpu() -> list[Check]:
    """Each CUDA device that torch sees, and whether it computes."""
    import torch

    if not torch.cuda.is_available():
        message = "none that torch can use; clamr-nano runs well on a CPU, a 3B model is slow there"
        return [Check("gpu", "ok", message)]
    return [_check_device(index) for index in range(torch.cuda.device_count())]


def _check_device(index: int) -> Check:
    import torch

    name, properties = f"gpu {index}", torch.cuda.get_device_properties(index)
    facts = f"{properties.name}, {properties.total_memory / 1e9:.0f} GB"
    try:
        ones = torch.ones(8, 8, device=f"cuda:{index}")
        right = float((ones @ ones).sum()) == 512.0
    except RuntimeError as error:  # torch's for every fault of a driver or a kernel
        reason = str(error).partition("\n")[0]
        return Check(name, "failed", f"{facts}: {reason}; install the build of torch for this GPU and driver")
    if not right:
        return Check(name, "failed", f"{facts}: a product of matrices came out wrong; do not use this device")
    with torch.cuda.device(index):
        if not torch.cuda.is_bf16_supported(including_emulation=False):
            return Check(name, "warning", f"{facts}, no bfloat16; load 3B models with dtype=torch.float16")
    return Check(name, "ok", f"{facts}, bfloat16")


def check_cache() -> Check:
    """Where downloaded models are kept, and the room there."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = f"{cache}, {shutil.disk_usage(there).free / 1e9:.0f} GB free"
    if not os.access(there, os.W_OK):
        message = f"{free}, and may not be written; no model can be downloaded: set HF_HUB_CACHE to a folder of yours"
        return Check("cache", "warning", message)
    return Check("cache", "ok", free)
