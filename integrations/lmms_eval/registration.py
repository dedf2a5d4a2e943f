"""What lmms-eval finds in its entry point: the ids ``clamr`` and ``clamr_<base>``, as names of classes to load later.

It is read while ``lmms_eval.models`` is half imported, and an error here would disable every later plugin: so nothing
heavy is imported and nothing is raised.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmms_eval.models.registry_v2 import ModelManifest

logger = logging.getLogger(__name__)

CLASSES = "clamr_select.integrations.lmms_eval.models"
WRAP_VARIABLE = "CLAMR_SELECT_LMMS_EVAL_WRAP"
"""Ids of lmms-eval, separated by commas, that are to take our arguments under their own name. It changes no result by
itself: without ``clamr_…`` arguments they are what they were."""


def manifests() -> list[ModelManifest]:
    """Payload of the entry point ``lmms_eval.models``."""
    try:
        from lmms_eval.models.registry_v2 import ModelManifest
    except ImportError as error:
        logger.warning("clamr is not registered: this lmms-eval has no models.registry_v2 (%s)", error)
        return []
    chat, simple = (builtin_classes(slot) for slot in ("chat", "simple"))
    found = [ModelManifest("clamr", simple_class_path=f"{CLASSES}.ClamrSimple", chat_class_path=f"{CLASSES}.Clamr")]
    wrapped = [name for name in os.environ.get(WRAP_VARIABLE, "").replace(" ", "").split(",") if name]
    for base in sorted(set(chat) | set(simple)):
        names = [f"clamr_{base}", *([base] if base in wrapped else [])]
        found += [
            ModelManifest(
                name,
                simple_class_path=f"{CLASSES}.simple__{base}" if base in simple else None,
                chat_class_path=f"{CLASSES}.chat__{base}" if base in chat else None,
            )
            for name in names
        ]
    for unknown in sorted(set(wrapped) - set(chat) - set(simple)):
        logger.warning("%s names %r, which is no model of this lmms-eval", WRAP_VARIABLE, unknown)
    return found


def builtin_classes(slot: str) -> dict[str, str]:
    """Id to class name of lmms-eval's own models of a slot, ``chat`` or ``simple``."""
    module = sys.modules.get("lmms_eval.models")
    tables = {"chat": "AVAILABLE_CHAT_TEMPLATE_MODELS", "simple": "AVAILABLE_SIMPLE_MODELS"}
    return dict(getattr(module, tables[slot], {}))
