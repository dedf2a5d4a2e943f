"""Fonts for the figures: DejaVu Sans, which every installation of matplotlib carries.

No font of the system is needed and figures look the same everywhere. DejaVu has Latin, Greek, Cyrillic,
Arabic, Hebrew and many symbols; other scripts (Chinese, Japanese, Korean, most of India's) are drawn as
empty boxes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


@lru_cache(maxsize=32)
def load_font(size: int, *, bold: bool = False) -> FreeTypeFont:
    """DejaVu Sans at ``size`` pixels."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
