"""Bases whose engine takes the GPU when it starts: lmms-eval's own class, with an engine that only writes down."""

from __future__ import annotations

import base64
import gc
import io
import json
import logging
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clamr_select.cli.main import main
from clamr_select.errors import InputError

SELECTOR = "clamr_model=clamr-nano,clamr_policy=topk,clamr_ocr=off"
Evaluate = Callable[..., dict[str, Any]]


class Engine:
    """In place of ``vllm.LLM``: answers every chat with "A"."""

    started: list[dict[str, Any]]
    chats: list[list[dict[str, Any]]]
    encoders_alive: list[int]
    encoders: list[weakref.ref[Any]]

    def __init__(self, **arguments: Any) -> None:
        gc.collect()
        type(self).started.append(arguments)
        type(self).encoders_alive.append(sum(reference() is not None for reference in type(self).encoders))

    def chat(self, *, messages: list[Any], sampling_params: Any, chat_template: str | None = None) -> list[Any]:
        type(self).chats += messages
        return [SimpleNamespace(outputs=[SimpleNamespace(text="A")]) for _ in messages]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[Engine]:
    from lmms_eval.models.chat import vllm as chat
    from lmms_eval.models.simple import vllm as simple

    from clamr_select.integrations.lmms_eval import selecting

    fresh = type("Engine", (Engine,), {"started": [], "chats": [], "encoders_alive": [], "encoders": []})
    monkeypatch.setattr(simple, "LLM", fresh)
    for module in (simple, chat):
        monkeypatch.setattr(module, "SamplingParams", lambda **given: given)
    loaded = selecting.ModelSource._loaded

    def watched(self: Any) -> Any:
        selector = loaded(self)
        fresh.encoders.append(weakref.ref(selector.encoder.model))
        return selector

    monkeypatch.setattr(selecting.ModelSource, "_loaded", watched)
    return fresh


def seen(chats: list[list[dict[str, Any]]]) -> list[list[int]]:
    """The numbers on the pictures of each chat."""
    from PIL import Image

    from clamr_select.eval.longvideo.smoke.barcodes import read

    urls = [
        [block["image_url"]["url"] for block in chat[-1]["content"] if block["type"] == "image_url"] for chat in chats
    ]
    return [
        [
            read(np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")))
            for url in one
        ]
        for one in urls
    ]


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("kind", ["chat", "simple"])
def test_frames_are_selected_and_the_selector_is_gone_before_the_engine_starts(
    kind: str, engine: type[Engine], evaluate: Evaluate, tmp_path: Path
) -> None:
    count = "nframes=4" if kind == "chat" else "max_frame_num=4"
    arguments = f"base=vllm,model=any,{count},disable_log_stats=True,clamr_log={tmp_path},{SELECTOR}"
    result = evaluate("clamr", arguments, limit=3, force_simple=kind == "simple")

    assert len(engine.encoders) > 0
    assert engine.encoders_alive == [0]
    assert [started["model"] for started in engine.started] == ["any"]
    # as many as the base says it would sample, which it says before it is built
    chosen = [record["selection"]["frame_indices"] for record in records(tmp_path)]
    assert [len(one) for one in chosen] == [4, 4, 4]
    assert seen(engine.chats) == chosen
    assert result["results"]["barcodes"]["accuracy,none"] == pytest.approx(1 / 3)


def test_with_every_answer_in_the_cache_the_engine_never_starts(
    engine: type[Engine], evaluate: Evaluate, tmp_path: Path
) -> None:
    arguments = f"base=vllm,model=any,nframes=4,disable_log_stats=True,{SELECTOR}"
    evaluate("clamr", arguments, limit=2, use_cache=str(tmp_path))
    assert len(engine.started) == 1
    evaluate("clamr", arguments, limit=2, use_cache=str(tmp_path))
    assert len(engine.started) == 1


def test_more_selections_beside_a_running_engine_are_refused(
    engine: type[Engine], evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU there is no room for both; the error names the two commands that part them."""
    from clamr_select.integrations.lmms_eval import sampled_model

    kept: list[Any] = []
    original = sampled_model.SampledModel.generate_until

    def generate_until(self: Any, requests: list[Any]) -> list[Any]:
        kept.append(self)
        answers = original(self, requests[:1])
        return answers + original(self, requests[1:])

    monkeypatch.setattr(sampled_model.SampledModel, "generate_until", generate_until)
    arguments = f"base=vllm,model=any,nframes=4,disable_log_stats=True,{SELECTOR}"
    evaluate("clamr", arguments, limit=2)
    assert len(engine.started) == 1

    monkeypatch.setattr(sampled_model, "on_gpu", lambda device: True)
    with pytest.raises(InputError, match=r"clamr-select precompute --tasks … .*clamr_mode=cached,clamr_selections"):
        evaluate("clamr", arguments, limit=2)


def test_selected_before_the_run(
    engine: type[Engine], evaluate: Evaluate, world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The two commands: precompute, then ``cached``, in which the engine starts at once and no selector is loaded."""
    file = tmp_path / "selections.jsonl"
    command = ["precompute", "--tasks", "barcodes", "--include_path", str(world / "tasks"), "--limit", "2"]
    command += ["--output", str(file), *SELECTOR.split(","), "clamr_num_frames=4"]
    assert main(command) == 0
    cached = capsys.readouterr().out.strip()
    engine.encoders.clear()

    arguments = f"base=vllm,model=any,nframes=4,disable_log_stats=True,{cached},clamr_log={tmp_path / 'log'}"
    evaluate("clamr", arguments, limit=2)

    assert engine.encoders == []
    assert len(engine.started) == 1
    selected = [json.loads(line)["selection"]["frame_indices"] for line in file.read_text().splitlines()]
    assert seen(engine.chats) == selected


def test_uniform_starts_as_ever(engine: type[Engine], evaluate: Evaluate, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="clamr_select"):
        evaluate("vllm", "model=any,nframes=4,disable_log_stats=True", limit=1)
        plain = list(engine.chats)
        evaluate("clamr", "base=vllm,model=any,nframes=4,disable_log_stats=True,clamr_mode=uniform", limit=1)
    assert engine.chats[1:] == plain
    assert not [record for record in caplog.records if "starts" in record.message]
