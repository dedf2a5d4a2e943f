"""A model of lmms-eval that is handed frames: a subclass made of it, so that everything else stays what it is."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from functools import cache
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.bases import Base, base_of
from clamr_select.integrations.lmms_eval.encoded_images import keep_encoded_images
from clamr_select.integrations.lmms_eval.forms import emit_form
from clamr_select.integrations.lmms_eval.late_start import LateStart, declared_arguments, on_gpu
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.sampler import Sampler
from clamr_select.integrations.lmms_eval.selecting import SelectionSource

logger = logging.getLogger(__name__)

_ENGINE_HAS_THE_GPU = (
    "{name} has the memory of the GPU by now, so no selector fits beside it, and this run asks for more selections. "
    "Select first: clamr-select precompute --tasks … --output FILE, then clamr_mode=cached,clamr_selections=FILE; or "
    "clamr_device=cpu"
)


class SampledModel:
    """Comes before the base among the bases of a class; see :func:`sampled_class`."""

    clamr_base: str
    clamr_made_of: type
    is_simple: bool

    def __init__(self, **arguments: Any) -> None:
        """Raises:
        InputError: a ``clamr_…`` argument that is wrong, or frames that could not reach the base as it is set up.
        """
        options = SamplerOptions.from_model_args(arguments)
        if options.mode != "off":
            keep_encoded_images()
        declared = getattr(self, "clamr_reads", None)
        known = base_of(self.clamr_base, is_simple=self.is_simple, declared=declared)
        _check(options, known, name=self.clamr_base, arguments=arguments)
        source = None if options.mode in ("off", "uniform") else source_of(options)
        self._late = LateStart(arguments) if known.takes_gpu and options.mode == "select" else None
        settings: Any = self
        if self._late is None:
            super().__init__(**arguments)
        else:
            self._late.stand_in(self)
            settings = declared_arguments(self.clamr_made_of, arguments)
        self._sampler = (
            None
            if options.mode == "off"
            else Sampler(self, name=self.clamr_base, base=known, options=options, source=source, settings=settings)
        )

    def generate_until(self, requests: list[Any]) -> list[Any]:
        return self._with_frames(requests, "generate_until")

    def generate_until_multi_round(self, requests: list[Any]) -> list[Any]:
        return self._with_frames(requests, "generate_until_multi_round")

    def loglikelihood(self, requests: list[Any]) -> list[Any]:
        return self._without_frames(requests, "loglikelihood")

    def generate_visual_cot(self, requests: list[Any]) -> list[Any]:
        return self._without_frames(requests, "generate_visual_cot")

    def _without_frames(self, requests: list[Any], method: str) -> list[Any]:
        if self._sampler is not None:
            self._sampler.check_shows_no_video(requests, method=method)
            self._start()
        return getattr(super(), method)(requests)

    def _with_frames(self, requests: list[Any], method: str) -> list[Any]:
        if self._sampler is None:
            return getattr(super(), method)(requests)
        asked = self._sampler.selected(requests)
        self._start()
        with _without(self, self._sampler.base.frames_only if self._sampler.source is not None else ()):
            answers = getattr(super(), method)(self._sampler.copies(asked))
        self._sampler.check_consumed(asked)
        self._sampler.record(asked)
        return answers

    def _start(self) -> None:
        """Build a base that waits until frames are selected."""
        if self._late is None or self._sampler is None:
            return
        self._late.start(self, super().__init__)
        if on_gpu(self._sampler.options.device):
            self._sampler.closed = _ENGINE_HAS_THE_GPU.format(name=self.clamr_base)


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

        return FileSource(options.selections, rev=options.rev, on_missing=options.on_missing)
    from clamr_select.integrations.lmms_eval.selecting import ModelSource

    return ModelSource(options)


def _check(options: SamplerOptions, base: Base, *, name: str, arguments: dict[str, Any]) -> None:
    if options.mode == "off":
        return
    form = emit_form(options, base, name=name)
    if options.mode == "uniform" and form != "handle":
        # the base gets the path that it always got, and samples it as it always did
        return
    for argument, reason in (base.why_not or {}).items():
        if form != "images" and str(arguments.get(argument, False)).lower() not in ("false", "none", "0"):
            raise InputError(
                f"{argument}={arguments[argument]} of {name}: {reason}; use clamr_emit=images or leave it out"
            )


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
