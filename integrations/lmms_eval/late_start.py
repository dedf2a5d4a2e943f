"""A base whose engine takes the GPU when it starts: it starts after the frames are selected, not before.

lmms-eval builds a model before it reads the tasks, and asks it for nothing until the first requests come. Until then
the object is what ``lmms`` makes of it; what lmms-eval has put on it by then stays.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

logger = logging.getLogger(__name__)

FROM_LMMS_EVAL = ("task_dict", "cache_hook", "_rank", "_world_size")
"""Put on a model between its making and its first requests."""


class LateStart:
    """Of one model of one process.

    Args:
        arguments: of the base, to be built with.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments: dict[str, Any] | None = arguments

    def stand_in(self, model: Any) -> None:
        """What lmms-eval asks of a model before the first requests; several processes compare their numbers of them."""
        from accelerate import Accelerator
        from lmms_eval.api.model import lmms

        lmms.__init__(model)
        model.accelerator = Accelerator()
        model.device = model.accelerator.device

    def start(self, model: Any, build: Callable[..., None]) -> None:
        """Build the base in ``model``, once."""
        if self._arguments is None:
            return
        arguments, self._arguments = self._arguments, None
        kept = {name: vars(model)[name] for name in FROM_LMMS_EVAL if name in vars(model)}
        logger.info("all frames are selected; %s starts", type(model).__name__)
        build(**arguments)
        vars(model).update(kept)


def on_gpu(device: str) -> bool:
    """Whether a selector on ``clamr_device`` takes memory of a GPU."""
    if device != "auto":
        return device.startswith("cuda")
    import torch

    return torch.cuda.is_available()


def declared_arguments(base_class: type, arguments: dict[str, Any]) -> SimpleNamespace:
    """What a base will be built with: the arguments, and the defaults that its constructors declare."""
    declared: dict[str, Any] = {}
    for cls in reversed(base_class.__mro__):
        if "__init__" in vars(cls):
            parameters = inspect.signature(cls).parameters.values()
            declared |= {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    return SimpleNamespace(**{**declared, **arguments})
