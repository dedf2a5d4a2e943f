"""Does the reader of on-screen text read?"""

from __future__ import annotations

import numpy as np

from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.doctor.report import Check
from clamr_select.figures.fonts import load_font

WORD = "LANTERN"


def check_screen_text() -> Check:
    """Read a word that was drawn."""
    found = " ".join(box.text for box in RapidOcr().read(draw(WORD)))
    if WORD in found.upper():
        return Check("screen text", "ok", f"rapidocr reads {WORD!r} in a picture")
    message = f"rapidocr read {found!r} where {WORD!r} is written; run: pip install --force-reinstall rapidocr"
    return Check("screen text", "failed", message)


def draw(word: str) -> np.ndarray:
    """(120, 400, 3) uint8, black on white."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (400, 120), "white")
    ImageDraw.Draw(image).text((40, 30), word, fill="black", font=load_font(56))
    return np.asarray(image)
