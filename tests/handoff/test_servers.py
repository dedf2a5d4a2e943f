"""Forms for vLLM, SGLang and qwen-vl-utils, read back the way their released code reads them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from clamr_select.errors import MissingDependencyError, TimestampWarning

SCENES = ("constant", "odd_count", "one_frame", "all_frames", "ntsc", "variable", "sparse", "late_start")


def fused_seconds(indices: list[int], fps: float) -> list[float]:
    """Mean time of each two frames, as vLLM and transformers compute it for Qwen3-VL."""
    times = [index / fps for index in indices]
    return [(first + second) / 2 for first, second in zip(times[::2], times[1::2], strict=True)]


@pytest.mark.parametrize("name", SCENES)
def test_vllm_is_told_the_seconds_of_each_request(scene, name):
    selection = scene(name)

    body = selection.vllm_extra_body()

    assert json.loads(json.dumps(body)) == body
    video = body["media_io_kwargs"]["video"]
    assert video["num_frames"] == -1  # or vLLM keeps 32
    assert body["mm_processor_kwargs"] == {"do_sample_frames": False}
    assert all(type(index) is int for index in video["frames_indices"])
    assert video["total_num_frames"] >= max(len(video["frames_indices"]), video["frames_indices"][-1] + 1)
    assert fused_seconds(video["frames_indices"], video["fps"]) == pytest.approx(selection.timestamps_seconds, abs=1e-3)


@pytest.mark.parametrize("name", SCENES)
def test_vllm_offline_gets_frames_and_metadata(scene, read_barcode, name):
    selection = scene(name)

    ((frames, metadata),) = selection.to_vllm(max_side=128)["video"]

    assert frames.dtype == np.uint8
    assert [read_barcode(frame) for frame in frames[::2]] == list(selection.frame_indices)
    assert metadata["do_sample_frames"] is False  # else it samples again where all frames are there
    assert fused_seconds(metadata["frames_indices"], metadata["fps"]) == pytest.approx(
        selection.timestamps_seconds, abs=1e-3
    )


def test_vllm_for_a_known_processor_sends_no_frame_twice_in_vain(consumer, scene):
    ((frames, metadata),) = scene("constant").to_vllm(consumer("VideoLLaMA3").processor)["video"]

    assert len(frames) == len(metadata["frames_indices"]) == 4


def test_vllm_without_pairing_warns(scene):
    with pytest.warns(TimestampWarning, match="pair='none'"):
        body = scene("constant").vllm_extra_body(pair="none")

    assert body["media_io_kwargs"]["video"]["frames_indices"] == [2, 11, 30, 47]


@pytest.mark.parametrize("name", SCENES)
def test_sglang_gets_the_output_of_the_models_processor(consumer, scene, name):
    selection, reader = scene(name), consumer("Qwen3-VL")

    arguments = selection.to_sglang(reader.processor, question="Who?")

    (item,) = arguments["video_data"]
    assert item["format"] == "processor_output"
    assert item["input_ids"][0].tolist() == arguments["input_ids"]
    assert item["video_grid_thw"][0, 0] == len(selection)
    prompt = reader.processor.tokenizer.decode(arguments["input_ids"])
    assert prompt.count("Who?") == 1
    np.testing.assert_allclose(reader.seconds(prompt), selection.timestamps_seconds, atol=0.05 + 1e-9, rtol=0)


@pytest.mark.parametrize("name", SCENES)
def test_qwen_vl_utils_form_keeps_the_times(consumer, scene, name):
    pytest.importorskip("qwen_vl_utils")
    selection, reader = scene(name), consumer("Qwen3-VL")
    images, videos, video_kwargs = selection.to_qwen_vl_utils(reader.processor)
    frames, metadata = zip(*videos, strict=True)

    inputs = reader.processor(
        text=["<|vision_start|><|video_pad|><|vision_end|>"],
        images=images,
        videos=list(frames),
        video_metadata=list(metadata),
        return_tensors="pt",
        **video_kwargs,
    )

    assert inputs["video_grid_thw"][0].tolist() == [len(selection), *(side // 16 for side in frames[0].shape[2:])]
    prompt = reader.processor.tokenizer.decode(inputs["input_ids"][0])
    np.testing.assert_allclose(reader.seconds(prompt), selection.timestamps_seconds, atol=0.05 + 1e-9, rtol=0)


def test_qwen_vl_utils_form_holds_the_frames(scene, read_barcode):
    pytest.importorskip("qwen_vl_utils")
    _, ((frames, metadata),), _ = scene("constant", (3, 60)).to_qwen_vl_utils()

    assert frames.shape[1] == 3
    assert (metadata["height"], metadata["width"]) == tuple(frames.shape[2:])
    shown = [read_barcode(frame) for frame in frames.numpy().transpose(0, 2, 3, 1)]
    assert shown == [3, 3, 60, 60]


def test_without_qwen_vl_utils_the_extra_is_named(scene, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "qwen_vl_utils", None)

    with pytest.raises(MissingDependencyError, match=r"clamr-select\[qwen\]"):
        scene("constant").to_qwen_vl_utils()
