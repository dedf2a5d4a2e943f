"""Barcode videos, selections from them, and consumers: real transformers processors around a tiny tokenizer."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from clamr_select.eval.longvideo.smoke.models.making import byte_tokenizer
from clamr_select.selection import Selection, VideoFacts
from clamr_select.video import open_video


def _neighbour_module(name: str, path: Path) -> ModuleType:
    """Code of another test folder: tests are no package, so it is loaded by its path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


barcodes = _neighbour_module("barcode_videos", Path(__file__).parents[1] / "video" / "conftest.py")

NTSC = Fraction(1001, 30000)
GAPS = [0, 40, 80, 5000, 5040, 20000, 20010, 20777, 61350, 61399, 125000, 300001, 300041, 600250, 600290, 3599949]
"""Milliseconds: a recording that pauses."""
SCENES: dict[str, tuple[str, dict[str, Any], Sequence[int] | None]] = {
    # name: (file, how it is encoded, the selected frames; None is all)
    "constant": ("cfr.mp4", {}, (2, 11, 30, 47)),
    "odd_count": ("cfr.mp4", {}, (2, 11, 30, 47, 80)),
    "one_frame": ("cfr.mp4", {}, (31,)),
    "first_frame": ("cfr.mp4", {}, (0,)),
    "adjacent": ("cfr.mp4", {}, (40, 41, 42)),
    "all_frames": ("short.mp4", {"num_frames": 7}, None),
    "ntsc": ("ntsc.mp4", {"pts": [1001 * n for n in range(96)], "time_base": Fraction(1, 30000)}, (1, 29, 30, 88)),
    "variable": ("vfr.mp4", {"pts": GAPS, "time_base": Fraction(1, 1000), "num_frames": len(GAPS)}, (1, 3, 5, 9)),
    "variable_all": ("vfr.mp4", {"pts": GAPS, "time_base": Fraction(1, 1000), "num_frames": len(GAPS)}, None),
    "sparse": ("vfr.mp4", {"pts": GAPS, "time_base": Fraction(1, 1000), "num_frames": len(GAPS)}, (4, 8, 15)),
    "sparse_constant": ("slow.mp4", {"pts": range(0, 960, 10), "time_base": Fraction(1, 1)}, (1, 30, 95)),
    "late_start": ("late.mkv", {"pts": range(125, 221)}, (0, 7, 50)),
}
"""Every kind of time a video can have, and of choice from it."""


@pytest.fixture(scope="session")
def read_barcode() -> Callable[[np.ndarray], int]:
    return barcodes.barcode_of


def select_frames(path: Path, frame_indices: Sequence[int] | None, *, words: dict[int, str] | None = None) -> Selection:
    """A selection of these frames as the selector would make it: times read from the file."""
    with open_video(path) as reader:
        clock, info = reader.timestamps_seconds, reader.info
    taken = tuple(range(info.num_frames)) if frame_indices is None else tuple(frame_indices)
    return Selection(
        video=str(path),
        question="What is shown?",
        frame_indices=taken,
        timestamps_seconds=tuple(float(clock[index]) for index in taken),
        scores=(0.5,) * len(taken),
        modality=("video",) * len(taken),
        scores_by_modality={"video": (0.5,) * len(taken)},
        text=tuple({"asr": words[index]} if words and index in words else {} for index in taken),
        method={},
        video_facts=VideoFacts(
            info.width, info.height, info.num_frames, info.start_seconds, info.duration_seconds, info.average_fps
        ),
    )


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Selection]:
    """The selection of a name in ``SCENES``; ``scene("constant", (3, 4))`` takes other frames of its video."""
    folder = tmp_path_factory.mktemp("scenes")

    def get(name: str, frame_indices: Sequence[int] | None = None, *, words: dict[int, str] | None = None) -> Selection:
        file, how, chosen = SCENES[name]
        if not (folder / file).exists():
            barcodes.encode(folder / file, **{"options": barcodes.X264, **how})
        return select_frames(folder / file, chosen if frame_indices is None else frame_indices, words=words)

    return get


@dataclass(frozen=True)
class Consumer:
    """A processor and how to read back what it made."""

    processor: Any
    time_pattern: str
    """Groups are seconds, or minutes and seconds, or hours, minutes and seconds."""
    image: str
    """Placeholder of an image in the prompt, before and after it is expanded."""

    def prompt(self, content: list[dict[str, Any]], **processor_kwargs: Any) -> tuple[Any, str]:
        """(inputs for the model, the text that its token ids spell)."""
        inputs = self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs=processor_kwargs,
        )
        return inputs, self.processor.tokenizer.decode(inputs["input_ids"][0])

    def watch(self, selection: Selection, **how: Any) -> tuple[Any, str]:
        """:meth:`prompt` with the selection as one video."""
        video = selection.to_transformers(self.processor, **how)
        content = [{"type": "video", "video": video.pop("videos")[0]}, {"type": "text", "text": "What?"}]
        return self.prompt(content, **video)

    def seconds(self, prompt: str) -> list[float]:
        """Times written into the prompt, one a visual patch."""
        found = re.findall(self.time_pattern, prompt)
        parts = [match if isinstance(match, tuple) else (match,) for match in found]
        return [sum(float(part) * 60**place for place, part in enumerate(reversed(match))) for match in parts]


def template(image: str, video: str) -> str:
    """A chat template in the form all of these models have."""
    return (
        "{% for m in messages %}{{ m.role }}: {% for b in m.content %}{% if b.type == 'text' %}{{ b.text }}"
        f"{{% elif b.type == 'image' %}}{image}{{% else %}}{video}{{% endif %}}{{% endfor %}}\n{{% endfor %}}"
    )


@pytest.fixture(scope="session")
def consumer() -> Callable[[str], Consumer]:
    """The consumer of a name in ``tiny_consumers.BUILDERS``, made once; skips where this transformers lacks it."""
    tiny = _neighbour_module("tiny_consumers", Path(__file__).with_name("tiny_consumers.py"))
    made: dict[str, Consumer] = {}

    def get(name: str) -> Consumer:
        if name not in made:
            try:
                processor, time_pattern, image = tiny.BUILDERS[name](byte_tokenizer, template)
            except AttributeError as error:
                pytest.skip(f"this version of transformers lacks {name}: {error}")
            made[name] = Consumer(processor, time_pattern, image)
        return made[name]

    return get


@pytest.fixture(scope="session")
def tiny_model(consumer: Callable[[str], Consumer]) -> Callable[[str], Any]:
    """A random model of the real class for a consumer, small enough for a test."""
    tiny = _neighbour_module("tiny_consumers", Path(__file__).with_name("tiny_consumers.py"))

    def get(name: str) -> Any:
        import torch

        torch.manual_seed(0)
        return tiny.MODELS[name](consumer(name).processor.tokenizer).eval()

    return get
