"""Copies of lmms-eval's requests that ask for frames; its own stay as they are, since it logs and hashes them after."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clamr_select.errors import InputError

logger = logging.getLogger(__name__)

Doc = Mapping[str, Any]
Rewrite = Callable[[Any, Doc], Any]
"""(what the task made of a document, the document) to the same with frames in place of videos."""


@dataclass(frozen=True)
class Request:
    """The parts of an instance of lmms-eval, whose order differs by kind."""

    instance: Any
    position: int
    """Of the callable that makes messages or visuals of a document."""
    gen_kwargs_position: int
    doc_id: Any
    task_name: str
    split: str

    @property
    def make(self) -> Callable[..., Any]:
        """``doc_to_messages`` of a chat model, ``doc_to_visual`` of a simple one."""
        return self.instance.args[self.position]

    @property
    def task(self) -> Any | None:
        """The task that the callable is a method of."""
        return getattr(self.make, "__self__", None)


def parse(instance: Any, *, is_simple: bool) -> Request:
    """Raises:
    InputError: it was restored from lmms-eval's cache of requests, which drops the callables.
    """
    # simple: (context, gen_kwargs, doc_to_visual[, doc_to_text], doc_id, task, split);
    # chat: (context, doc_to_messages, gen_kwargs, doc_id, task, split)
    position, gen_kwargs_position = (2, 1) if is_simple else (1, 2)
    arguments = instance.args
    if not callable(arguments[position]):
        raise InputError(
            "this request says nothing of its video: --cache_requests drops what makes messages of documents; "
            "run without it"
        )
    return Request(instance, position, gen_kwargs_position, *arguments[-3:])


def rewritten(request: Request, rewrite: Rewrite, *, base: str, is_simple: bool, context: str | None = None) -> Any:
    """A copy of the instance that asks for frames, with generation arguments of its own: bases change them in place."""
    arguments = list(request.instance.args)
    make = request.make if is_simple else with_prompt_of(base, request.make)
    arguments[request.position] = _rewriting(make, rewrite)
    arguments[request.gen_kwargs_position] = copy.deepcopy(arguments[request.gen_kwargs_position])
    if context is not None:
        arguments[0] = context
    if not is_simple:
        _take_generation_arguments(arguments[request.gen_kwargs_position], request.task, base)
    clone = copy.copy(request.instance)
    clone.arguments = tuple(arguments)
    return clone


def _rewriting(make: Callable[..., Any], rewrite: Rewrite) -> Callable[..., Any]:
    """Many bases call the first request's callable with every document of the batch, so it goes by the document."""

    def made(doc: Doc, **rounds: Any) -> Any:
        result = make(doc, **rounds)
        # a round of several: (messages, whether it is over, previous output, previous information)
        if isinstance(result, tuple):
            return (rewrite(result[0], doc) if result[0] is not None else None, *result[1:])
        return rewrite(result, doc)

    return made


def prompt_arguments(task: Any, base: str) -> Any | None:
    """The task's arguments for the prompt of one model, where it has such for it and now uses others."""
    configured = getattr(getattr(task, "config", None), "lmms_eval_specific_kwargs", None)
    if getattr(task, "model_name", base) == base or not isinstance(configured, Mapping) or base not in configured:
        return None
    return configured[base]


def with_prompt_of(base: str, make: Callable[..., Any]) -> Callable[..., Any]:
    """Tasks write prompts by the name in ``--model``; this writes the one they have for the base."""
    task = getattr(make, "__self__", None)
    arguments = prompt_arguments(task, base)
    if task is None or arguments is None:
        return make
    as_base: Any = copy.copy(task)
    as_base.model_name, as_base.lmms_eval_specific_kwargs = base, arguments
    return getattr(as_base, make.__name__)


def _take_generation_arguments(gen_kwargs: dict[str, Any], task: Any, base: str) -> None:
    """Those that the task has for the base, but where ``--gen_kwargs`` said otherwise."""
    configured = getattr(getattr(task, "config", None), "model_specific_generation_kwargs", None)
    if getattr(task, "model_name", base) == base or not isinstance(configured, Mapping) or base not in configured:
        return
    default = configured.get("default") or {}
    for name, value in configured[base].items():
        if name not in gen_kwargs or (name in default and gen_kwargs[name] == default[name]):
            gen_kwargs[name] = value
