"""clamr-select: the frames of a long video that answer a question, by what is seen, said and written."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clamr_select.errors import ClamrSelectError
    from clamr_select.indexing.indexed_video import IndexedVideo
    from clamr_select.model import ClamrConfig, ClamrForRetrieval, ClamrProcessor
    from clamr_select.selection import Selection
    from clamr_select.selector import FrameSelector

# whoever embeds the library decides what is shown; the command line shows selection.warnings
logging.getLogger(__name__).addHandler(logging.NullHandler())

__version__ = "0.1.0"
__all__ = [
    "ClamrConfig",
    "ClamrForRetrieval",
    "ClamrProcessor",
    "ClamrSelectError",
    "FrameSelector",
    "IndexedVideo",
    "Selection",
]

_HOMES = {
    "ClamrConfig": "clamr_select.model",
    "ClamrForRetrieval": "clamr_select.model",
    "ClamrProcessor": "clamr_select.model",
    "ClamrSelectError": "clamr_select.errors",
    "FrameSelector": "clamr_select.selector",
    "IndexedVideo": "clamr_select.indexing.indexed_video",
    "Selection": "clamr_select.selection",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: plugins of other programs import this package at start, and torch takes seconds.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
