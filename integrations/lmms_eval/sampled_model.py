"""A model of lmms-eval that is handed frames: a subclass made of it, so that everything else stays what it is."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from functools import cache
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.bases import Base, base_of
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.sampler import Sampler, emit_form
from clamr_select.integrations.lmms_eval.selecting import SelectionSource

logger = logging.getLogger(__name__)


class SampledModel:
    """Comes before the base among the bases of a class; see :func:`sampled_class`."""

    clamr_base: str
    is_simple: bool

    def __init__(self, **arguments: Any) -> None:
        """Raises:
        InputError: a ``clamr_…`` argument that is wrong, or frames that could not reach the base as it is set up.
        """
        options = SamplerOptions.from_model_args(arguments)
        known = base_of(self.clamr_base, is_simple=self.is_simple)
        _check(options, known, name=self.clamr_base, arguments=arguments)
        source = None if options.mode in ("off", "uniform") else source_of(options)
        super().__init__(**arguments)
        self._sampler = (
            None
            if options.mode == "off"
            else Sampler(self, name=self.clamr_base, base=known, options=options, source=source)
        )

    def generate_until(self, requests: list[Any]) -> list[Any]:
        return self._with_frames(requests, "generate_until")

    def generate_until_multi_round(self, requests: list[Any]) -> list[Any]:
        return self._with_frames(requests, "generate_until_multi_round")

    def _with_frames(self, requests: list[Any], method: str) -> list[Any]:
        generate = getattr(super(), method)
        if self._sampler is None:
            return generate(requests)
        copies, asked = self._sampler.prepared(requests)
        with _without(self, self._sampler.base.frames_only if self._sampler.source is not None else ()):
            answers = generate(copies)
        self._sampler.check_consumed(asked)
        self._sampler.record(asked)
        return answers


@cache
def sampled_class(base_class: type, *, base: str) -> type:
    """``base_class`` that takes ``clamr_…`` arguments; one that does already is taken by what it was made of."""
    original = getattr(base_class, "clamr_made_of", base_class)
    attributes = {"clamr_base": base, "clamr_made_of": original, "__module__": __name__, "__doc__": original.__doc__}
    return type(f"Clamr_{original.__name__}", (SampledModel, original), attributes)


def source_of(options: SamplerOptions) -> SelectionSource:
    """Where the selections of a run come from."""
    if options.selections is not None:
        from clamr_select.integrations.lmms_eval.replay import FileSource

        return FileSource(options.selections, rev=options.rev)
    from clamr_select.integrations.lmms_eval.selecting import ModelSource

    return ModelSource(options)


def _check(options: SamplerOptions, base: Base, *, name: str, arguments: dict[str, Any]) -> None:
    if options.mode in ("off", "uniform"):
        return
    form = emit_form(options, base, name=name)
    for argument, reason in (base.why_not or {}).items():
        if form != "images" and str(arguments.get(argument, False)).lower() not in ("false", "none", "0"):
            raise InputError(
                f"{argument}={arguments[argument]} of {name}: {reason}; use clamr_emit=images or leave it out"
            )
    if options.mode == "select" and base.takes_gpu and _on_gpu(options.device):
        raise InputError(
            f"{name} takes the memory of the GPU when it starts, so no selector fits beside it. Select first: "
            "clamr-select precompute --tasks …, then clamr_mode=cached,clamr_selections=FILE; or clamr_device=cpu"
        )


def _on_gpu(device: str) -> bool:
    if device != "auto":
        return device.startswith("cuda")
    import torch

    return torch.cuda.is_available()


@contextlib.contextmanager
def _without(model: Any, attributes: tuple[str, ...]) -> Iterator[None]:
    """The attributes are None meanwhile."""
    before = {name: getattr(model, name) for name in attributes if hasattr(model, name)}
    try:
        for name in before:
            setattr(model, name, None)
        yield
    finally:
        for name, value in before.items():
            setattr(model, name, value)
