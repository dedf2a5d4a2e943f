"""The classes that lmms-eval loads by name: one a base and slot, made when asked for."""

from __future__ import annotations

import importlib
from typing import Any

from lmms_eval import models, utils
from lmms_eval.api.model import lmms

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.registration import builtin_classes
from clamr_select.integrations.lmms_eval.sampled_model import sampled_class


def __getattr__(name: str) -> type:
    slot, _, base = name.partition("__")
    if slot not in ("chat", "simple") or base not in builtin_classes(slot):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    path = builtin_classes(slot)[base]
    # not from lmms-eval's registry: an id that was replaced would find itself there
    module, _, cls = (path if "." in path else f"lmms_eval.models.{slot}.{base}.{path}").rpartition(".")
    return sampled_class(getattr(importlib.import_module(module), cls), base=base)


class Clamr(lmms):
    """``--model clamr --model_args base=…``: becomes that base, of either kind, when it is built."""

    is_simple = False

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: dict[str, Any] | None = None) -> Any:
        """Called by lmms-eval with ``--model_args``; what is returned says itself whether it is a chat model.

        Raises:
            InputError: no ``base``, or one that lmms-eval does not have.
        """
        arguments = utils.simple_parse_args_string(arg_string)
        base = arguments.pop("base", None)
        if base is None:
            raise InputError(
                "--model clamr needs base=NAME in --model_args, a model of lmms-eval, e.g. base=qwen2_5_vl"
            )
        known = set(models.list_available_models(include_aliases=True))
        if base not in known or str(base).startswith("clamr"):
            raise InputError(f"base={base} is no model of this lmms-eval; see lmms_eval.models.list_available_models()")
        base_class = models.get_model(base, force_simple=cls.is_simple)
        base = models.get_model_manifest(base).model_id  # it has other names too
        given = {name: value for name, value in (additional_config or {}).items() if value is not None}
        return sampled_class(base_class, base=base)(**arguments, **given)

    # lmms-eval wants these of every class it registers; making a Clamr gives a class with the base's own
    def loglikelihood(self, requests: Any) -> Any:
        raise NotImplementedError

    def generate_until(self, requests: Any) -> Any:
        raise NotImplementedError

    def generate_until_multi_round(self, requests: Any) -> Any:
        raise NotImplementedError


class ClamrSimple(Clamr):
    """The same with ``--force_simple``."""

    is_simple = True
