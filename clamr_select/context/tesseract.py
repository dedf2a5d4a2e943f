"""On-screen text with Tesseract, for scripts that RapidOCR's bundled model does not read.

On frames of video it misses half the words that RapidOCR reads, except in boxes (docs/context.md).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from clamr_select.context.ocr import TextBox, check_image, in_reading_order
from clamr_select.context.plain_text import fold_white_space
from clamr_select.errors import InputError, OcrError, missing_dependency

if TYPE_CHECKING:
    from tesserocr import PyTessBaseAPI

_DATA_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)


class TesseractOcr:
    """An :class:`OcrEngine` on the ``tesserocr`` package, which carries the program and not its languages.

    Not safe to share between threads.

    Args:
        languages: of Tesseract, e.g. ``eng+deu``; each needs its ``.traineddata``.
        data_folder: where they lie; None looks in ``$TESSDATA_PREFIX`` and where systems install them.
        min_confidence: 0..1; lines must be above. Texture gives false lines below 0.6.
        min_length: lines need at least this many characters.

    Raises:
        MissingDependencyError: ``tesserocr`` is absent.
        OcrError: there is no data of a language.
        InputError: a number out of range.
    """

    name = "tesseract"

    def __init__(
        self,
        *,
        languages: str = "eng",
        data_folder: str | Path | None = None,
        min_confidence: float = 0.6,
        min_length: int = 2,
    ) -> None:
        if not 0 <= min_confidence < 1:
            raise InputError(f"min_confidence must be in 0 <= … < 1, got {min_confidence}")
        if min_length < 1:
            raise InputError(f"min_length must be at least 1 character, got {min_length}")
        self._min_confidence, self._min_length = min_confidence, min_length
        self._api = _load(languages, _data_folder(languages, data_folder))

    def read(self, image: np.ndarray) -> list[TextBox]:
        """See :meth:`OcrEngine.read`."""
        check_image(image)
        from tesserocr import RIL

        try:
            self._api.SetImage(Image.fromarray(image))
            self._api.Recognize()
            found = list(_lines(self._api, RIL.TEXTLINE))
        except RuntimeError as error:
            raise OcrError(f"Tesseract failed on an image of {image.shape[1]}x{image.shape[0]}: {error}") from error
        boxes = [box for box in found if box.confidence > self._min_confidence and len(box.text) >= self._min_length]
        return in_reading_order(boxes)


def _lines(api: PyTessBaseAPI, level: int):  # type: ignore[no-untyped-def]
    from tesserocr import iterate_level

    iterator = api.GetIterator()
    if iterator is None:
        return
    for line in iterate_level(iterator, level):
        box = line.BoundingBox(level)
        text = fold_white_space(line.GetUTF8Text(level)) if box is not None and not line.Empty(level) else ""
        if box is not None and text:
            left, top, right, bottom = map(float, box)
            corners = ((left, top), (right, top), (right, bottom), (left, bottom))
            yield TextBox(text, min(1.0, max(0.0, line.Confidence(level) / 100)), corners)


def _load(languages: str, folder: Path) -> PyTessBaseAPI:
    try:
        from tesserocr import OEM, PSM, PyTessBaseAPI
    except ImportError as error:
        raise missing_dependency("tesserocr", extra="tesseract", purpose="reading text with Tesseract") from error
    try:
        return PyTessBaseAPI(path=str(folder), lang=languages, psm=PSM.SPARSE_TEXT, oem=OEM.LSTM_ONLY)
    except RuntimeError as error:
        raise OcrError(f"Tesseract cannot use {folder} for {languages!r}: {error}") from error


def _data_folder(languages: str, given: str | Path | None) -> Path:
    named = os.environ.get("TESSDATA_PREFIX")
    folders = [Path(given)] if given is not None else [*([Path(named)] if named else []), *map(Path, _DATA_FOLDERS)]
    wanted = [f"{language}.traineddata" for language in languages.split("+")]
    for folder in folders:
        if all((folder / file).is_file() for file in wanted):
            return folder
    raise OcrError(
        f"no Tesseract data for {languages!r}: looked for {', '.join(wanted)} in {', '.join(map(str, folders))}; on "
        "Debian run: apt-get install tesseract-ocr-eng, or set TESSDATA_PREFIX"
    )
