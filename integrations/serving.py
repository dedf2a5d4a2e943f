"""The one selector of a serving process: chosen by whoever runs the process, loaded on first use."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clamr_select.selection import Selection
    from clamr_select.selector import FrameSelector

logger = logging.getLogger(__name__)

MODEL_VARIABLE = "CLAMR_SELECT_MODEL"
DEVICE_VARIABLE = "CLAMR_SELECT_DEVICE"
DEFAULT_MODEL = "clamr-nano"
DEFAULT_DEVICE = "cpu"
"""Not ``auto``: the memory of the GPU belongs to the model that is served."""


class _Shared:
    """A model is not for several threads at once, and servers load media in several."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.selector: FrameSelector | None = None


_shared = _Shared()


def use_selector(selector: FrameSelector | None) -> None:
    """Select with this selector in this process; None goes back to what the environment names.

    A request can never choose the model: names are paths and hub ids. A server takes the model from the
    environment variables ``CLAMR_SELECT_MODEL`` (default ``clamr-nano``) and ``CLAMR_SELECT_DEVICE`` (``cpu``).
    """
    with _shared.lock:
        _shared.selector = selector


def select_frames(video: str | Path, question: str, *, num_frames: int, **options: Any) -> Selection:
    """:meth:`FrameSelector.select` with the selector of this process, one call at a time.

    Raises:
        As :meth:`FrameSelector.from_pretrained` and :meth:`FrameSelector.select`.
    """
    with _shared.lock:
        if _shared.selector is None:
            _shared.selector = _selector_of_environment()
        return _shared.selector.select(video, question, num_frames=num_frames, **options)


def _selector_of_environment() -> FrameSelector:
    from clamr_select.selector import FrameSelector

    model = os.environ.get(MODEL_VARIABLE, DEFAULT_MODEL)
    device = os.environ.get(DEVICE_VARIABLE, DEFAULT_DEVICE)
    logger.info("frames are selected with %s on %s", model, device)
    return FrameSelector.from_pretrained(model, device=device)
