"""The engines that read text on screen, as many as there are cores to run them."""

from __future__ import annotations

import os

from clamr_select.context.ocr import OcrEngine
from clamr_select.context.ocr_read_ahead import OcrReadAhead
from clamr_select.context.rapid_ocr import RapidOcr

OCR_MAX_SIDE = 640
"""Pixels that text is recognised at."""
OCR_DETECTION_SIDE = 480
"""Pixels that text is found at: reads what 640 reads at 0.6 of the time (docs/context.md)."""
MAX_ENGINES = 4


def open_text_reader(name: str) -> OcrReadAhead:
    """The reader of a choice other than ``off``. Close it.

    Raises:
        MissingDependencyError: its package is absent.
        OcrError: its models are.
    """
    return OcrReadAhead([_engine(name) for _ in range(max(1, min(MAX_ENGINES, os.cpu_count() or 1)))])


def _engine(name: str) -> OcrEngine:
    if name == "tesseract":
        from clamr_select.context.tesseract import TesseractOcr

        return TesseractOcr()
    return RapidOcr(max_side=OCR_DETECTION_SIDE)
