"""On-screen text with RapidOCR (PP-OCR models on onnxruntime), offline with the models its wheel carries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.context.ocr import Point, TextBox, in_reading_order
from clamr_select.context.plain_text import fold_white_space
from clamr_select.errors import InputError, OcrError, missing_dependency

if TYPE_CHECKING:
    from rapidocr import RapidOCR


class RapidOcr:
    """An :class:`OcrEngine`. Lines must be upright: the classifier that turns upside-down text is off.

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
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            got = f"{image.shape} {image.dtype}"
            raise InputError(f"an image must be (height, width, 3) uint8 RGB and not empty, got {got}")
        # arrays are taken for BGR
        result = self._run(np.ascontiguousarray(image[:, :, ::-1]))
        if result.boxes is None or result.txts is None or result.scores is None:
            return []
        boxes = []
        for text, score, corners in zip(result.txts, result.scores, result.boxes, strict=True):
            text = fold_white_space(text)
            if score > self._min_confidence and len(text) >= self._min_length:
                boxes.append(TextBox(text, min(float(score), 1.0), _points(corners)))
        return in_reading_order(boxes)

    def _run(self, image_bgr: np.ndarray) -> Any:
        height, width = image_bgr.shape[:2]
        try:
            return self._engine(image_bgr)
        except Exception as error:
            # each module of RapidOCR has an exception of its own, with no common base
            if type(error).__module__.partition(".")[0] not in ("rapidocr", "onnxruntime", "cv2"):
                raise
            reason = str(error) or type(error).__name__
            raise OcrError(f"RapidOCR failed on an image of {width}x{height}: {reason}") from error


def _load_engine(max_side: int, intra_op_threads: int) -> RapidOCR:
    try:
        import onnxruntime  # noqa: F401
        import rapidocr
    except ImportError as error:
        package = error.name if isinstance(error, ModuleNotFoundError) and error.name else "rapidocr"
        raise missing_dependency(package, extra="all", purpose="reading on-screen text") from error
    models = Path(rapidocr.__file__).parent / "models"
    engine = rapidocr.RapidOCR(
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
    return engine


def _bundled(models: Path, name: str) -> Path:
    path = models / name
    if not path.is_file():
        raise OcrError(
            f"the installed rapidocr does not carry the model {name}; "
            "run: pip install --force-reinstall 'rapidocr>=3.10'"
        )
    return path


def _points(corners: np.ndarray) -> tuple[Point, Point, Point, Point]:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in corners)
    return top_left, top_right, bottom_right, bottom_left
