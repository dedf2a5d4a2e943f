"""On-screen text with RapidOCR (PP-OCR models on onnxruntime), offline with the models its wheel carries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from clamr_select.context.ocr import TextBox, check_image, in_reading_order
from clamr_select.context.plain_text import fold_white_space
from clamr_select.context.timed_text import Corners
from clamr_select.errors import InputError, OcrError, missing_dependency

if TYPE_CHECKING:
    from rapidocr import RapidOCR


GLANCE_SIDE = 320
"""Longer side in pixels of what a glance sees."""


class RapidOcr:
    """A :class:`StagedOcrEngine`. Lines must be upright: the classifier that turns upside-down text is off.

    Not safe to share between threads. Loads no file but the detector and recogniser inside the ``rapidocr``
    package (PP-OCRv6 small: Latin scripts, Chinese, Japanese), and never the network.
    """

    name = "rapidocr"

    def __init__(
        self,
        *,
        max_side: int = 640,
        min_confidence: float = 0.8,
        min_length: int = 2,
        intra_op_threads: int = 1,
    ) -> None:
        """Make the engine; the models load at the first :meth:`read` (about a second).

        Args:
            max_side: The detector sees the image with its longer side scaled down to this many pixels;
                recognition uses the pixels of the image itself (up to 2000 a side).
            min_confidence: 0..1; lines must be above. Texture in natural images gives false boxes below 0.8.
            min_length: Lines need at least this many characters, for the same reason.
            intra_op_threads: Threads of one inference, 1..number of cores. More than one on busy cores
                costs several times the work, since onnxruntime's threads spin while they wait.

        Raises:
            InputError: an argument is out of range.
            MissingDependencyError: ``rapidocr`` or ``onnxruntime`` is absent.
            OcrError: the package does not carry the models.
        """
        if max_side < 32:
            raise InputError(f"max_side must be at least 32 pixels, got {max_side}")
        if not 0 <= min_confidence < 1:
            raise InputError(f"min_confidence must be in 0 <= … < 1, got {min_confidence}")
        if min_length < 1:
            raise InputError(f"min_length must be at least 1 character, got {min_length}")
        cores = os.cpu_count() or 1
        if not 1 <= intra_op_threads <= cores:
            raise InputError(f"intra_op_threads must be in 1..{cores} (cores), got {intra_op_threads}")
        self._min_confidence = min_confidence
        self._min_length = min_length
        self._engine = _load_engine(max_side, intra_op_threads)

    def read(self, image: np.ndarray) -> list[TextBox]:
        """See :meth:`OcrEngine.read`."""
        lines = (self.read_line(image, corners) for corners in self.find(image))
        return in_reading_order(line for line in lines if line is not None)

    def glance(self, image: np.ndarray) -> list[Corners]:
        """See :meth:`StagedOcrEngine.glance`: detection on an image of 320 pixels."""
        check_image(image)
        height, width = image.shape[:2]
        scale = GLANCE_SIDE / max(height, width)
        if scale >= 1:
            return self.find(image)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
        return [_corners(np.asarray(corners) / (size[0] / width, size[1] / height)) for corners in self.find(small)]

    def find(self, image: np.ndarray) -> list[Corners]:
        """See :meth:`StagedOcrEngine.find`."""
        check_image(image)
        with _failures(image):
            # arrays are taken for BGR
            found: Any = self._engine(np.ascontiguousarray(image[:, :, ::-1]), use_rec=False)
        return [] if found.boxes is None else [_corners(corners) for corners in found.boxes]

    def read_line(self, image: np.ndarray, corners: Corners) -> TextBox | None:
        """See :meth:`StagedOcrEngine.read_line`. Each line alone: in a batch its neighbours would change its score."""
        check_image(image)
        with _failures(image):
            (crop,) = self._engine.crop_text_regions(
                np.ascontiguousarray(image[:, :, ::-1]), np.asarray([corners], dtype=np.float32)
            )
            result: Any = self._engine.recognize_txt([crop])
        text, score = fold_white_space(result.txts[0]), float(result.scores[0])
        if score <= self._min_confidence or len(text) < self._min_length:
            return None
        return TextBox(text, min(score, 1.0), corners)


@contextmanager
def _failures(image: np.ndarray) -> Iterator[None]:
    """What RapidOCR raises as an OcrError: each of its modules has an exception of its own, with no common base."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("rapidocr", "onnxruntime", "cv2"):
            raise
        reason = str(error) or type(error).__name__
        size = f"{image.shape[1]}x{image.shape[0]}"
        raise OcrError(f"RapidOCR failed on an image of {size}: {reason}") from error


def _load_engine(max_side: int, intra_op_threads: int) -> RapidOCR:
    try:
        import onnxruntime  # noqa: F401
        import rapidocr
    except ImportError as error:
        package = error.name if isinstance(error, ModuleNotFoundError) and error.name else "rapidocr"
        raise missing_dependency(package, extra="all", purpose="reading on-screen text") from error
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            # explicit paths: without them a missing model would be downloaded
            "Det.model_path": str(_bundled(models, "PP-OCRv6_det_small.onnx")),
            "Rec.model_path": str(_bundled(models, "PP-OCRv6_rec_small.onnx")),
            "Det.limit_side_len": max_side,
            "Det.limit_type": "max",
            "EngineConfig.onnxruntime.intra_op_num_threads": intra_op_threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _bundled(models: Path, name: str) -> Path:
    path = models / name
    if not path.is_file():
        raise OcrError(
            f"the installed rapidocr does not carry the model {name}; "
            "run: pip install --force-reinstall 'rapidocr>=3.10'"
        )
    return path


def _corners(points: np.ndarray) -> Corners:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in points)
    return top_left, top_right, bottom_right, bottom_left
