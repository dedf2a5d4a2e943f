"""Through lmms-eval into real classes: what reaches the model is what was selected, or what the base would sample."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BASES = ["qwen2_5_vl", "qwen3_vl"]
SELECTOR = "clamr_model=clamr-nano,clamr_policy=topk,clamr_ocr=off"
Evaluate = Callable[..., dict[str, Any]]


def answers(result: dict[str, Any]) -> list[Any]:
    return [sample["resps"] for sample in result["samples"]["barcodes"]]


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("base", BASES)
def test_uniform_is_the_base_itself(
    base: str, evaluate: Evaluate, generated: Any, tiny_arguments: Callable[[str], str], tmp_path: Path
) -> None:
    """The same tensors, bit by bit, and the same answers; and the frames it took are on record."""
    import torch

    plain = evaluate(base, tiny_arguments(base), limit=2)
    of_plain = list(generated.calls)
    generated.calls.clear()
    uniform = evaluate("clamr", f"base={base},clamr_mode=uniform,clamr_log={tmp_path},{tiny_arguments(base)}", limit=2)

    assert answers(uniform) == answers(plain)
    assert len(of_plain) == len(generated.calls) == 2
    for ours, theirs in zip(generated.calls, of_plain, strict=True):
        assert ours.keys() == theirs.keys()
        assert {"input_ids", "pixel_values_videos"} <= ours.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert [record["emitted_frame_indices"] for record in records(tmp_path)] == [
        [0, 46, 91, 137, 182, 228, 273, 319]
    ] * 2
    assert records(tmp_path)[0]["frame_times_seconds"][1] == pytest.approx(9.2)


def test_a_record_that_a_kill_tore_is_written_anew(
    evaluate: Evaluate, tiny_arguments: Callable[[str], str], tmp_path: Path
) -> None:
    arguments = f"base=qwen3_vl,clamr_mode=uniform,clamr_log={tmp_path},{tiny_arguments('qwen3_vl')}"
    evaluate("clamr", arguments, limit=1)
    (log,) = tmp_path.glob("*.jsonl")
    whole = log.read_bytes()
    log.write_bytes(whole + whole[:99])

    evaluate("clamr", arguments, limit=1)

    assert log.read_bytes() == whole * 2


@pytest.mark.parametrize("base", BASES)
def test_the_selected_frames_reach_the_model(
    base: str,
    evaluate: Evaluate,
    generated: Any,
    tiny_arguments: Callable[[str], str],
    numbers_of: Callable[..., list[int]],
    world: Path,
    tmp_path: Path,
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(world / "models" / base)

    def after_the_video(call: dict[str, Any]) -> str:
        return str(tokenizer.decode(call["input_ids"][0]).rpartition("<|vision_end|>")[2])

    evaluate(base, tiny_arguments(base), limit=2)
    of_plain = list(generated.calls)
    generated.calls.clear()
    evaluate(f"clamr_{base}", f"{SELECTOR},clamr_log={tmp_path},{tiny_arguments(base)}", limit=2)

    by_question = {record["selection"]["question"]: record for record in records(tmp_path)}
    assert len(by_question) == 2
    for call, plain in zip(generated.calls, of_plain, strict=True):
        prompt = tokenizer.decode(call["input_ids"][0])
        record = next(record for question, record in by_question.items() if question in prompt)
        chosen = record["selection"]["frame_indices"]
        # each moment fills a patch of two frames; the base gets as much as it would sample
        assert record["emitted_frame_indices"] == [index for index in chosen for _ in range(2)]
        assert numbers_of(call["pixel_values_videos"], call["video_grid_thw"]) == record["emitted_frame_indices"]
        assert call["video_grid_thw"].tolist() == plain["video_grid_thw"].tolist()
        # the prompt that the task has for this base, not the one it has for unknown names
        assert after_the_video(call) == after_the_video(plain)
        if base == "qwen3_vl":
            shown = [float(seconds) for seconds in re.findall(r"<(\d+\.\d) seconds>", prompt)]
            assert shown == pytest.approx(record["selection"]["timestamps_seconds"], abs=0.05)


def test_neighbours_and_single_frames(
    evaluate: Evaluate, generated: Any, tiny_arguments: Callable[[str], str], numbers_of: Any, tmp_path: Path
) -> None:
    """``clamr_pair`` decides what fills a patch of two frames; the budget stays."""
    for pair in ("neighbor", "none"):
        generated.calls.clear()
        log = tmp_path / pair
        arguments = f"base=qwen3_vl,{SELECTOR},clamr_pair={pair},clamr_log={log},{tiny_arguments('qwen3_vl')}"
        evaluate("clamr", arguments, limit=1)

        call, record = generated.calls[0], records(log)[0]
        chosen = record["selection"]["frame_indices"]
        expected = chosen if pair == "none" else [index + step for index in chosen for step in (0, 1)]
        assert numbers_of(call["pixel_values_videos"], call["video_grid_thw"]) == expected
        assert len(expected) == 8
