"""The engines that read text on screen, as many as there are cores to run them."""

from __future__ import annotations

import os

from clamr_select.context.ocr_read_ahead import OcrReadAhead
from clamr_select.context.rapid_ocr import RapidOcr

OCR_MAX_SIDE = 640
"""Pixels that text is recognised at."""
OCR_DETECTION_SIDE = 480
"""Pixels that text is found at: reads what 640 reads at 0.6 of the time (docs/context.md)."""
MAX_ENGINES = 4


def open_text_reader() -> OcrReadAhead:
    """RapidOCR, ready to read. Close it.

    Raises:
        MissingDependencyError: its package is absent.
        OcrError: its models are.
    """
    return OcrReadAhead(load_engines())


def load_engines() -> list[RapidOcr]:
    """As many as there are cores to run them.

    Raises:
        As :func:`open_text_reader`.
    """
    num_engines = max(1, min(MAX_ENGINES, os.cpu_count() or 1))
    return [RapidOcr(max_side=OCR_DETECTION_SIDE) for _ in range(num_engines)]
