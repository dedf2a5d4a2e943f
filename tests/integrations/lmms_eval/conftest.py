"""lmms-eval on a small world: barcode videos with subtitles, tiny models of the real classes, no network."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TOKENIZERS_PARALLELISM": "false",
}
QUIET_SELECTOR = "clamr_model=clamr-nano,clamr_policy=topk,clamr_ocr=off"
"""The words of the questions are spoken, so there is nothing to read on screen."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("lmms_eval") is None:
        skip = pytest.mark.skip(reason="lmms-eval is not installed: pip install 'clamr-select[lmms-eval]'")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See :mod:`clamr_select.eval.longvideo.smoke.world`."""
    from clamr_select.eval.longvideo.smoke.world import make_world

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "shared"


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, shared_cache: Path) -> None:
    """And with one cache for all tests here: the two videos are indexed once."""
    monkeypatch.setenv("CLAMR_SELECT_CACHE", str(shared_cache))
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session", autouse=True)
def _oracle_is_registered() -> None:
    """In this process, where the world's plugin is not on the path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lmms_eval.models import MODEL_REGISTRY_V2

        from clamr_select.eval.longvideo.smoke.oracle import manifests
    for manifest in manifests():
        MODEL_REGISTRY_V2.register_manifest(manifest, overwrite=True)


@dataclass
class Generated:
    """What reached a model's ``generate``: one dict of tensors a call."""

    calls: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> Generated:
    """Watches the tiny models: everything that their ``generate`` is given, as a copy."""
    import torch
    import transformers

    seen = Generated()
    for name in ("Qwen2_5_VLForConditionalGeneration", "Qwen3VLForConditionalGeneration"):
        model_class = getattr(transformers, name)
        original = model_class.generate

        @functools.wraps(original)
        def generate(self: Any, *args: Any, original: Any = original, **kwargs: Any) -> Any:
            seen.calls.append({name: value.clone() for name, value in kwargs.items() if torch.is_tensor(value)})
            return original(self, *args, **kwargs)

        monkeypatch.setattr(model_class, "generate", generate)
    return seen


@pytest.fixture
def evaluate(world: Path) -> Callable[..., dict[str, Any]]:
    """``simple_evaluate`` of lmms-eval with a model by name and the barcode task; warnings of others are let be."""
    from lmms_eval import evaluator
    from lmms_eval.tasks import TaskManager

    def run(model: str, arguments: str = "", *, task: str = "barcodes", **how: Any) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            manager = TaskManager(include_path=str(world / "tasks"), include_defaults=False, model_name=model)
            result: dict[str, Any] = evaluator.simple_evaluate(
                model=model,
                model_args=arguments,
                tasks=[task],
                task_manager=manager,
                **{"batch_size": 1, "device": "cpu", "bootstrap_iters": 0, **how},
            )
        return result

    return run


@pytest.fixture(scope="session")
def command_line(world: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command that users run, ``python -m lmms_eval``, in a process of its own; fails where it fails."""

    def run(*arguments: str, launcher: tuple[str, ...] = (sys.executable, "-m", "lmms_eval"), **variables: str) -> Any:
        environment = {**os.environ, **OFFLINE, "OMP_NUM_THREADS": "1", **variables}
        environment["PYTHONPATH"] = str(world / "plugin")
        environment["HF_HOME"] = str(world / "hf")
        # without DEBUG it says what went wrong and exits 0
        command = [*launcher, *arguments, "--include_path", str(world / "tasks"), "--verbosity", "DEBUG"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=600)
        assert done.returncode == 0, done.stderr[-4000:]
        return done

    return run


@pytest.fixture(scope="session")
def tiny_arguments(world: Path) -> Callable[[str], str]:
    """``--model_args`` of a tiny model: eight frames, pictures small enough and large enough to read."""

    def arguments(name: str) -> str:
        pixels = "min_pixels=784,max_pixels=25088"
        return f"pretrained={world}/models/{name},device_map=cpu,max_num_frames=8,{pixels}"

    return arguments


@pytest.fixture(scope="session")
def numbers_of() -> Callable[..., list[int]]:
    """Barcodes read out of Qwen-VL's ``pixel_values_videos``, one a frame."""
    from clamr_select.eval.longvideo.smoke.barcodes import read

    def numbers(pixel_values: Any, grid: Any) -> list[int]:
        frames = []
        start = 0
        for patches, rows, columns in grid.tolist():
            count = patches * rows * columns
            frames += _frames(np.asarray(pixel_values[start : start + count].float()), patches, rows, columns)
            start += count
        return [read(frame) for frame in frames]

    return numbers


def _frames(values: np.ndarray, patches: int, rows: int, columns: int) -> Iterator[np.ndarray]:
    """Undo the processor: (patches * rows * columns, channels * 2 * side * side) to (height, width, channels) each."""
    side = round((values.shape[1] / 6) ** 0.5)
    blocks = values.reshape(patches, rows // 2, columns // 2, 2, 2, 3, 2, side, side)
    pictures = blocks.transpose(0, 6, 1, 3, 7, 2, 4, 8, 5).reshape(patches * 2, rows * side, columns * side, 3)
    return iter(pictures)
