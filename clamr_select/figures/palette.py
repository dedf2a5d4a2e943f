"""Colours of the figures: one colour a modality, the same in every figure."""

from __future__ import annotations

MODALITY_COLORS: dict[str, str] = {
    "video": "#0072B2",
    "ocr": "#E69F00",
    "asr": "#009E73",
    "description": "#CC79A7",
    "audio": "#D55E00",
}
"""Okabe and Ito's colours, told apart by people with any of the common colour blindnesses."""

OTHER_MODALITY_COLOR = "#7F7F7F"

HIT_COLOR = "#2E9E3F"
MISS_COLOR = "#D7301F"
"""Green and red look alike to many, so a figure that uses them also writes the word or a mark."""

BACKGROUND = "#FFFFFF"
INK = "#1A1A1A"
FAINT_INK = "#5F6368"
HAIRLINE = "#D0D4D9"
WARNING_BACKGROUND = "#FFF4CE"
WARNING_INK = "#6B4E00"


def modality_color(modality: str) -> str:
    """``#RRGGBB`` of a modality; grey for one that has no colour of its own."""
    return MODALITY_COLORS.get(modality, OTHER_MODALITY_COLOR)


def text_color_on(color: str) -> str:
    """Black or white, whichever has the higher WCAG 2 contrast on ``color`` (``#RRGGBB``)."""
    red, green, blue = (_linear(int(color[i : i + 2], 16) / 255) for i in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # where (1 + 0.05) / (L + 0.05), white on it, equals (L + 0.05) / 0.05, black on it
    return "#FFFFFF" if luminance < (1.05 * 0.05) ** 0.5 - 0.05 else "#000000"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
