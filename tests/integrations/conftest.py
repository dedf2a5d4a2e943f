"""Videos of constant and variable frame rate whose frames spell their number, and selections of them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clamr_select.integrations.plan import planned_selection
from clamr_select.selection import Selection
from clamr_select.video import open_video

BITS, WIDTH, HEIGHT = 8, 128, 96
CONSTANT_MS = tuple(range(0, 6000, 50))
"""120 frames, 20 a second."""
VARIABLE_MS = (0, 40, 80, 1000, 1040, 2500, 5000, 5033, 5066, 9700, 12345, 20000, 20040, 47011, 47050, 60000)

SelectionOf = Callable[..., Selection]


def drawn(number: int) -> np.ndarray:
    """(96, 128, 3) uint8: eight black or white columns spell the number."""
    bits = [255 * (number >> bit & 1) for bit in range(BITS)]
    return np.broadcast_to(np.repeat(bits, WIDTH // BITS)[None, :, None], (HEIGHT, WIDTH, 3)).astype(np.uint8)


def read_number(image: np.ndarray) -> int:
    """The number that a (height, width, 3) picture of any size spells."""
    row = np.asarray(image, dtype=np.float32).mean(axis=(0, 2))
    centres = ((np.arange(BITS) + 0.5) * len(row) / BITS).astype(int)
    return sum(1 << bit for bit in range(BITS) if row[centres[bit]] > 127)


def encode(path: Path, milliseconds: Sequence[int]) -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, pts in enumerate(milliseconds):
            frame = av.VideoFrame.from_ndarray(drawn(number), format="rgb24")
            frame.pts, frame.time_base = pts, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def constant_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("constant") / "constant.mp4", CONSTANT_MS)


@pytest.fixture(scope="session")
def variable_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("variable") / "variable.mp4", VARIABLE_MS)


@pytest.fixture(params=["constant", "variable"])
def numbered_video(request: pytest.FixtureRequest) -> Path:
    """One of constant and one of variable frame rate."""
    video: Path = request.getfixturevalue(f"{request.param}_video")
    return video


@pytest.fixture(scope="session")
def selection_of() -> SelectionOf:
    def make(video: Path, *frame_indices: int, question: str = "what number is it?") -> Selection:
        with open_video(video) as reader:
            return replace(planned_selection(reader, {"frame_indices": list(frame_indices)}), question=question)

    return make


@pytest.fixture(scope="session")
def read() -> Callable[[np.ndarray], int]:
    """See :func:`read_number`."""
    return read_number


def import_noisy(*names: str, reason: str) -> list[ModuleType]:
    """Modules of a consumer that warns while it is imported; skips the test where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(names[0].split(".")[0], reason=reason)
        return [importlib.import_module(name) for name in names]


@pytest.fixture(scope="session")
def import_consumer() -> Callable[..., list[ModuleType]]:
    """See :func:`import_noisy`."""
    return import_noisy


def neighbour(folder: str, name: str) -> ModuleType:
    """A module of another test folder; tests are no package."""
    path = Path(__file__).parents[1] / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"tests_{folder}_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny() -> SimpleNamespace:
    """``processor(name)``: a real one of transformers that knows 256 bytes; ``qwen3_vl_model(tokenizer)``."""
    consumers, shared = neighbour("handoff", "tiny_consumers"), neighbour("handoff", "conftest")

    def template(_image: str, video: str) -> str:
        part = "{% if part.type == 'video' %}" + video + "{% else %}{{ part.text }}{% endif %}"
        return "{% for message in messages %}{% for part in message.content %}" + part + "{% endfor %}{% endfor %}"

    def processor(name: str) -> Any:
        return consumers.BUILDERS[name](shared.byte_tokenizer, template)[0]

    return SimpleNamespace(processor=processor, qwen3_vl_model=consumers.qwen3_vl_model)


@pytest.fixture(scope="session")
def build(tiny: SimpleNamespace) -> Callable[[str], Any]:
    """Name of a model to its processor, configured small."""
    return tiny.processor


@pytest.fixture(scope="session")
def vllm_refusals() -> dict[str, str]:
    """What vLLM 0.33 says, with HTTP 400, to the arguments of a request that it was not told to trust."""
    changed = {
        "mm_processor_kwargs": "multimodal preprocessing resource usage",
        "media_io_kwargs": "multimodal media loading resource usage",
    }
    return {
        name: f"Per-request {name} are disabled by default because they can change {what}. Start the server with "
        f"--trust-request-mm-kwargs only when clients are trusted. (parameter={name})"
        for name, what in changed.items()
    }
