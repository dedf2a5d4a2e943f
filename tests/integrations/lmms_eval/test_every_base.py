"""Every model of lmms-eval that runs on a machine without a GPU, with tiny random weights of its real class.

Each is run on the barcode task with its own sampling, through ``clamr_mode=uniform``, and with selected frames. Its
``generate`` runs, and then answers what a reader of the numbers in its ``pixel_values`` would answer.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

Evaluate = Callable[..., dict[str, Any]]
SELECTOR = "clamr_model=clamr-nano,clamr_policy=topk,clamr_ocr=off"
PIXELS = "min_pixels=784,max_pixels=25088"
CHANCE = 0.25


@dataclass(frozen=True)
class Case:
    """One base.

    Args:
        model: the tiny one.
        arguments: of the base; eight frames.
        samples: whether it reads videos by itself.
        pictures: whether it is handed pictures with their seconds written before each.
    """

    base: str
    model: str
    arguments: str
    is_simple: bool = False
    samples: bool = True
    pictures: bool = False

    @property
    def id(self) -> str:
        return f"{self.base}-{'simple' if self.is_simple else 'chat'}"


CASES = [
    Case("qwen2_5_vl", "qwen2_5_vl", f"device_map=cpu,max_num_frames=8,{PIXELS}"),
    Case("qwen3_vl", "qwen3_vl", f"device_map=cpu,max_num_frames=8,{PIXELS}"),
    Case("qwen3_5", "qwen3_5", f"device_map=cpu,max_num_frames=8,enable_thinking=False,{PIXELS}"),
    Case("internvl_hf", "internvl", "device_map=cpu,num_frames=8"),
    # its own call of the processor fails for a video alone
    Case("llava_hf", "llava_onevision", "device_map=cpu,max_frames_num=8", samples=False, pictures=True),
    Case("qwen2_vl", "qwen2_vl", f"device_map=cpu,max_num_frames=8,{PIXELS}", is_simple=True),
    Case("qwen2_5_vl", "qwen2_5_vl", f"device_map=cpu,max_num_frames=8,{PIXELS}", is_simple=True),
    Case("qwen3_5", "qwen3_5", f"device_map=cpu,max_num_frames=8,enable_thinking=False,{PIXELS}", is_simple=True),
    Case("llava_hf", "llava_onevision", "device_map=cpu,max_frames_num=8", is_simple=True),
    Case("gemma3", "gemma3", "device_map=cpu,max_num_frames=8", is_simple=True),
    Case("gemma4", "gemma4", "device_map=cpu,max_num_frames=8,max_soft_tokens=70", is_simple=True),
    Case("idefics2", "idefics2", "device_map=cpu,dtype=float32,max_frames_num=8", is_simple=True),
    Case("llama_vision", "mllama", "device_map=cpu,max_frames_num=8", is_simple=True),
    Case("aria", "aria", "device_map=cpu,max_frames_num=8", is_simple=True),
    # they take pictures only
    Case("mistral3_vl", "mistral3", "device_map=cpu,max_num_frames=8", is_simple=True, samples=False),
    Case("glm4v", "glm4v", "device_map=cpu,clamr_num_frames=8", is_simple=True, samples=False),
]


@dataclass
class Calls:
    """What reached ``generate``: tensors, and the prompt in words."""

    tensors: list[dict[str, Any]] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    numbers: list[list[int]] = field(default_factory=list)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every model generates two tokens and then answers by the numbers on its frames."""
    import torch
    from transformers.generation import GenerationMixin

    from clamr_select.eval.longvideo.smoke.oracle import answer
    from clamr_select.eval.longvideo.smoke.pixels import numbers

    calls = Calls()
    original = GenerationMixin.generate

    @functools.wraps(original)
    def generate(self: Any, **given: Any) -> Any:
        from transformers import AutoTokenizer

        tensors = {name: value.clone() for name, value in given.items() if torch.is_tensor(value)}
        original(self, **{**given, "max_new_tokens": 2})
        words = AutoTokenizer.from_pretrained(self.name_or_path)
        prompt = words.decode(given["input_ids"][0])
        calls.tensors.append(tensors)
        calls.prompts.append(prompt)
        calls.numbers.append(numbers(tensors))
        letter = words(answer(calls.numbers[-1], prompt), return_tensors="pt", add_special_tokens=False).input_ids
        return torch.cat([given["input_ids"], letter], dim=1)

    monkeypatch.setattr(GenerationMixin, "generate", generate)
    return calls


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    from clamr_select.eval.longvideo.smoke.models import save_model

    folder = tmp_path_factory.mktemp("models")

    @functools.cache
    def saved(name: str) -> Path:
        # lmms-eval takes the small class of GLM-4.6V by this word in the path
        return save_model(name, folder / (f"{name}-Flash" if name == "glm4v" else name))

    return saved


def accuracy(result: dict[str, Any]) -> float:
    return float(result["results"]["barcodes"]["accuracy,none"])


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def theirs(arguments: str) -> str:
    return ",".join(one for one in arguments.split(",") if not one.startswith("clamr_"))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_base(
    case: Case, evaluate: Evaluate, reader: Calls, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    import torch

    pretrained = f"pretrained={tiny_model(case.model)}"
    how = {"limit": 4, "force_simple": case.is_simple}
    plain: list[dict[str, Any]] = []
    if case.samples:
        # its own even frames show none of what is asked for
        result = evaluate(case.base, f"{pretrained},{theirs(case.arguments)}", **how)
        plain = list(reader.tensors)
        assert accuracy(result) == CHANCE
        assert [len(one) for one in reader.numbers] == [8] * 4

        reader.tensors.clear()
        uniform = f"base={case.base},clamr_mode=uniform,{pretrained},{theirs(case.arguments)}"
        result = evaluate("clamr", uniform, **{**how, "limit": 1})
        (given,) = reader.tensors
        same = [one for one in plain if torch.equal(one["input_ids"], given["input_ids"])]
        assert len(same) == 1
        assert same[0].keys() == given.keys()
        assert all(torch.equal(same[0][name], given[name]) for name in given)

    reader.numbers.clear()
    reader.prompts.clear()
    selected = f"base={case.base},{SELECTOR},clamr_log={tmp_path},{pretrained},{case.arguments}"
    result = evaluate("clamr", selected, **how)

    assert accuracy(result) == 1.0
    by_question = {record["selection"]["question"]: record for record in records(tmp_path)}
    assert len(by_question) == 4
    for prompt, numbers in zip(reader.prompts, reader.numbers, strict=True):
        record = next(record for question, record in by_question.items() if question in prompt)
        assert numbers == record["emitted_frame_indices"]
        assert len(numbers) == 8
        assert set(numbers) == set(record["selection"]["frame_indices"])
        times = record["selection"]["timestamps_seconds"]
        # whatever times a prompt shows are those of its frames
        if case.pictures or case.base.startswith("qwen3"):
            shown = [float(seconds) for seconds in re.findall(r"<(\d+\.\d) seconds>", prompt)]
            assert shown == pytest.approx(times, abs=0.05)
        else:
            assert re.search(r"seconds>|\d:\d\d", prompt) is None


def test_a_simple_base_has_its_own_prompt_under_its_own_name(
    evaluate: Evaluate, reader: Calls, tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """lmms-eval writes prompts by ``--model``: replaced in place, a base gets the words it always got."""
    import torch
    from lmms_eval import models

    from clamr_select.integrations.lmms_eval.registration import WRAP_VARIABLE, manifests

    arguments = f"pretrained={tiny_model('qwen3_vl')},device_map=cpu,max_num_frames=8,{PIXELS}"
    how = {"limit": 1, "force_simple": True}
    evaluate("qwen3_vl", arguments, **how)
    monkeypatch.setenv(WRAP_VARIABLE, "qwen3_vl")
    before = models.get_model_manifest("qwen3_vl")
    (wrapped,) = (one for one in manifests() if one.model_id == "qwen3_vl")
    models.MODEL_REGISTRY_V2.register_manifest(wrapped, overwrite=True)
    try:
        evaluate("qwen3_vl", f"clamr_mode=uniform,{arguments}", **how)
    finally:
        models.MODEL_REGISTRY_V2.register_manifest(before, overwrite=True)

    plain, uniform = reader.tensors
    assert plain.keys() == uniform.keys()
    assert all(torch.equal(plain[name], uniform[name]) for name in plain)
    assert "Answer with the option letter only." in reader.prompts[1]
