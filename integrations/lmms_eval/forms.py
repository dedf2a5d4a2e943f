"""In which form frames go to a base, and what fills its patches: from what was asked for and what reaches it."""

from __future__ import annotations

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.bases import Base
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.plan import Pair


def emit_form(options: SamplerOptions, base: Base, *, name: str) -> str:
    """Raises:
    InputError: frames in that form do not reach this base.
    """
    if base.refused is not None:
        raise InputError(f"no frames can be handed to {name}: {base.refused}")
    if options.emit == "auto":
        return base.emits[0]
    if options.emit not in base.emits:
        raise InputError(f"clamr_emit={options.emit} does not reach {name}; allowed: auto, {', '.join(base.emits)}")
    return options.emit


def pair_of(options: SamplerOptions, base: Base, *, form: str) -> Pair:
    """Raises:
    InputError: frames were to be repeated where each is a picture of its own.
    """
    fused = base.fuses and form in ("handle", "frames")
    if options.mode == "uniform":
        return "none"
    if options.pair == "auto":
        return "repeat" if fused else "none"
    if options.pair != "none" and form not in ("handle", "frames"):
        raise InputError(f"clamr_pair={options.pair} fills patches of a video; clamr_emit={form} sends none")
    return options.pair


def clip_seconds(options: SamplerOptions, base: Base) -> float | None:
    if options.clip_seconds_per_frame == "auto":
        return base.clip_seconds_per_frame
    return float(options.clip_seconds_per_frame)
