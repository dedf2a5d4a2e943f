"""All checks in order: what is installed, what decodes and reads, and the checkpoint."""

from __future__ import annotations

from pathlib import Path

from clamr_select.doctor.checkpoint import check_checkpoint
from clamr_select.doctor.decoders import check_decoders
from clamr_select.doctor.installation import check_cache, check_extras, check_gpu, check_versions
from clamr_select.doctor.report import Check, attempt
from clamr_select.doctor.screen_text import check_screen_text


def examine(model: str | Path = "clamr-nano", *, base: str | Path | None = None, device: str = "auto") -> list[Check]:
    """Check this installation and a checkpoint; what fails is a check with the status ``failed``, not an error.

    Args:
        model: ``clamr-nano``, a directory, or a hub id (which is downloaded where it is not here).
        base: what an adapter is put on, instead of what its config names.
        device: ``auto``, ``cpu`` or ``cuda[:N]``; on a CPU the model computes in float32.
    """
    return [
        *attempt("versions", check_versions),
        *attempt("extras", check_extras),
        *attempt("gpu", check_gpu),
        *attempt("cache", check_cache),
        *check_decoders(),
        *attempt("screen text", check_screen_text),
        *check_checkpoint(model, base=base, device=device),
    ]
