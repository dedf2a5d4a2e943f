"""A network on OpenVINO, which computes RapidOCR's detector in a third to a quarter of onnxruntime's time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.errors import missing_dependency

if TYPE_CHECKING:
    from openvino import CompiledModel


class OpenVinoSession:
    """Called as RapidOCR calls its own sessions: one array in, one out.

    In float32 wherever it runs; OpenVINO's own choice is bfloat16 on some processors, with other text.

    Raises:
        MissingDependencyError: ``openvino`` is absent.
    """

    def __init__(self, model: Path, *, num_threads: int) -> None:
        self._compiled = _compile(model, num_threads)

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        return np.array(self._compiled(inputs)[0])  # a copy: the next call writes over it


def _compile(model: Path, num_threads: int) -> CompiledModel:
    try:
        from openvino import Core
    except ImportError as error:
        raise missing_dependency("openvino", extra="ocr-fast", purpose="RapidOCR on OpenVINO") from error
    options = {"INFERENCE_NUM_THREADS": num_threads, "INFERENCE_PRECISION_HINT": "f32"}
    return Core().compile_model(str(model), "CPU", options)
