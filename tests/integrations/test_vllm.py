"""vLLM's own registry, media loading, parsing and prompt times, run on what we give it. Needs vLLM, no GPU.

Run against the released wheel of vLLM 0.33.0 (``make test-consumers``), which imports whole on a CPU.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from clamr_select.errors import FrameDecodeError, InputError, MissingDependencyError, TimestampWarning, VideoError
from clamr_select.integrations.serving import use_selector
from clamr_select.integrations.vllm import extra_body, register, text_prompt
from clamr_select.selector import FrameSelector

REASON = "vLLM is not installed; make test-consumers makes an environment with it"
MODULES = (
    "vllm.multimodal.video",
    "vllm.multimodal.media",
    "vllm.multimodal.media.connector",
    "vllm.multimodal.media.base",
    "vllm.multimodal.parse",
    "vllm.multimodal.hasher",
    "vllm.plugins",
    "vllm.exceptions",
    "vllm.entrypoints.generate.base.protocol",
    "vllm.entrypoints.serve.exception_handling.error_response",
    "vllm.model_executor.models.qwen3_vl",
)
QUESTION = "which number?"
MAX_ERROR_SECONDS = 0.05


@pytest.fixture(scope="module")
def vllm(import_consumer) -> SimpleNamespace:
    """Names of vLLM that the tests use."""
    modules = import_consumer(*MODULES, reason=REASON)
    names = {name: value for module in modules for name, value in vars(module).items() if not name.startswith("__")}
    register()
    return SimpleNamespace(**names)


@pytest.fixture(scope="module")
def selector() -> Iterator[FrameSelector]:
    selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    use_selector(selector)
    yield selector
    use_selector(None)


def load(vllm, data: bytes, **video):
    """As vLLM's server loads a video part whose request carries ``media_io_kwargs.video``."""
    io = vllm.VideoMediaIO(vllm.ImageMediaIO(), **{"video_backend": "clamr_select", **video})
    return io.load_bytes(data).media


def seconds(metadata) -> list[float]:
    return [index / metadata["fps"] for index in metadata["frames_indices"]]


def test_vllm_is_told_by_an_entry_point():
    (found,) = entry_points(group="vllm.general_plugins", name="clamr_select")

    assert found.load() is register


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed")
def test_without_vllm_the_extra_is_named():
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[vllm\]"):
        register()


def test_vllm_loads_the_plugin_and_registering_again_changes_nothing(vllm):
    vllm.load_general_plugins()
    once = dict(vllm.VIDEO_LOADER_REGISTRY.name2class)
    register()

    assert "clamr_select" in once
    assert vllm.VIDEO_LOADER_REGISTRY.name2class == once


def test_no_model_takes_our_loader_by_default(vllm):
    assert "clamr_select" not in vllm.VIDEO_LOADER_REGISTRY.processor2backend.values()
    assert vllm.get_video_loader_backend_for_processor("Qwen3VLVideoProcessor") == "qwen3_vl"


@pytest.mark.parametrize("indices", [(3,), (0, 1, 2), (0, 5, 9, 14, 15), tuple(range(16))], ids=len)
def test_a_plan_loads_its_frames_with_their_seconds(vllm, numbered_video, read, selection_of, indices):
    selection = selection_of(numbered_video, *indices)
    video = extra_body(selection)["media_io_kwargs"]["video"]
    frames, metadata = load(vllm, numbered_video.read_bytes(), **video)

    assert [read(frame) for frame in frames] == [index for index in indices for _ in range(2)]
    assert seconds(metadata)[::2] == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)
    assert metadata["do_sample_frames"] is False
    assert metadata["total_num_frames"] >= len(frames)


def test_every_frame_once_where_asked(vllm, constant_video, read, selection_of):
    video = extra_body(selection_of(constant_video, 4, 5), pair="none", max_side=64)["media_io_kwargs"]["video"]
    with pytest.warns(TimestampWarning):
        frames, _ = load(vllm, constant_video.read_bytes(), **video | {"plan": {"frame_indices": [4, 50]}})

    assert [read(frame) for frame in frames] == [4, 50]
    assert frames.shape == (2, 48, 64, 3)


def test_a_question_selects_as_the_selector_does(vllm, variable_video, read, selector):
    expected = selector.select(variable_video, QUESTION, num_frames=3, ocr="off", candidate_fps=30)
    video = extra_body(QUESTION, num_frames=3, ocr="off", candidate_fps=30)["media_io_kwargs"]["video"]
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: load(vllm, variable_video.read_bytes(), **video), range(4)))

    for frames, metadata in loaded:
        assert [read(frame) for frame in frames[::2]] == list(expected.frame_indices)
        assert seconds(metadata)[::2] == pytest.approx(expected.timestamps_seconds, abs=MAX_ERROR_SECONDS)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ({}, "got neither"),
        ({"question": QUESTION, "plan": {"frame_indices": [1]}}, "got both"),
        ({"question": QUESTION, "num_frames": -1}, "num_frames at least 1"),
        ({"question": 7}, "question must be a text"),
        ({"question": QUESTION, "subtitles": "/etc/passwd"}, "no argument subtitles; allowed"),
        ({"question": QUESTION, "model": "some/model"}, "no argument model"),
        ({"plan": {"frame_indices": [1]}, "policy": "topk"}, "leave out policy"),
        ({"plan": {"frame_indices": [999]}}, r"within 0\.\.119"),
    ],
)
def test_what_cannot_be_loaded_as_asked_is_never_sampled(vllm, constant_video, video, message):
    with pytest.raises(InputError, match=message):
        load(vllm, constant_video.read_bytes(), **video)


def test_bytes_that_are_no_video(vllm):
    with pytest.raises(VideoError):
        load(vllm, b"nothing", plan={"frame_indices": [0]})


def test_a_plan_of_another_video(vllm, constant_video, variable_video, selection_of):
    video = extra_body(selection_of(variable_video, 9))["media_io_kwargs"]["video"]
    with pytest.raises(FrameDecodeError, match="another video"):
        load(vllm, constant_video.read_bytes(), **video)


def test_vllms_limit_on_pixels_holds(vllm, constant_video, monkeypatch):
    monkeypatch.setenv("VLLM_MAX_IMAGE_PIXELS", "100")
    with pytest.raises(ValueError, match="128x96"):
        load(vllm, constant_video.read_bytes(), plan={"frame_indices": [1]})


def test_vllms_budget_is_kept_before_decoding_and_charged(vllm, constant_video, monkeypatch):
    budget = vllm.MediaDecodedBudget()
    io = vllm.VideoMediaIO(
        vllm.ImageMediaIO(decoded_budget=budget), video_backend="clamr_select", plan={"frame_indices": [1]}
    )
    io.load_bytes(constant_video.read_bytes())
    assert budget.used == 2 * 128 * 96 * 3

    monkeypatch.setenv("VLLM_MAX_MEDIA_REQUEST_DECODE_BYTES", "70000")
    with pytest.raises(InputError, match="2 frames of 128x96 take 73728 bytes"):
        load(vllm, constant_video.read_bytes(), plan={"frame_indices": [1]})


def data_url(video) -> str:
    return "data:video/mp4;base64," + base64.b64encode(video.read_bytes()).decode()


def test_our_loader_is_used_where_it_is_named_and_the_models_elsewhere(vllm, constant_video, read, selection_of):
    asked = extra_body(selection_of(constant_video, 7))["media_io_kwargs"]
    merged = vllm.merge_media_io_kwargs({"video": {"fps": 1}}, asked)
    ours = vllm.MediaConnector(merged).fetch_video(data_url(constant_video), video_processor="Qwen3VLVideoProcessor")
    theirs = vllm.MediaConnector().fetch_video(data_url(constant_video), video_processor="Qwen3VLVideoProcessor")

    assert [read(frame) for frame in ours.media[0]] == [7, 7]
    assert ours.media[1]["video_backend"] == "clamr_select"
    assert theirs.media[1]["video_backend"] == "opencv"


@pytest.mark.parametrize("indices", [(3,), (0, 1, 2), (0, 5, 9, 14, 15), tuple(range(16))], ids=len)
def test_frames_sent_by_a_client_arrive_with_their_seconds(vllm, numbered_video, read, selection_of, indices):
    selection = selection_of(numbered_video, *indices)
    (message,) = selection.to_openai_messages(style="video_url")
    url = next(part["video_url"]["url"] for part in message["content"] if part["type"] == "video_url")
    sent = selection.vllm_extra_body()["media_io_kwargs"]
    merged = vllm.merge_media_io_kwargs({"video": {"fps": 2}}, sent)
    frames, metadata = vllm.MediaConnector(merged).fetch_video(url, video_processor="Qwen3VLVideoProcessor").media

    assert [read(frame) for frame in frames] == [index for index in indices for _ in range(2)]
    assert seconds(metadata)[::2] == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)
    assert metadata["do_sample_frames"] is False


def test_an_offline_prompt_is_parsed_with_its_metadata(vllm, numbered_video, read, selection_of):
    selection = selection_of(numbered_video, 2, 8, 15)
    prompt = text_prompt(selection, "<video> which?", max_side=64)
    items = vllm.MultiModalDataParser(video_needs_metadata=True).parse_mm_data(prompt["multi_modal_data"])
    frames, metadata = items["video"].get(0)

    assert prompt["prompt"] == "<video> which?"
    assert prompt["mm_processor_kwargs"] == {"do_sample_frames": False}
    assert [read(frame) for frame in frames] == [2, 2, 8, 8, 15, 15]
    assert seconds(metadata)[::2] == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)


@pytest.mark.parametrize("way", ["offline", "client", "loader"])
def test_qwen3_vl_writes_the_selected_seconds(vllm, numbered_video, selection_of, way):
    """``_get_video_second_idx`` makes the numbers of ``<12.3 seconds>`` in vLLM's prompt."""
    selection = selection_of(numbered_video, 1, 6, 7, 14, 15)
    if way == "offline":
        _, metadata = text_prompt(selection, "")["multi_modal_data"]["video"][0]
    elif way == "loader":
        video = extra_body(selection)["media_io_kwargs"]["video"]
        _, metadata = load(vllm, numbered_video.read_bytes(), **video)
    else:
        metadata = selection.vllm_extra_body()["media_io_kwargs"]["video"]
    info = SimpleNamespace(get_video_processor=lambda: SimpleNamespace(temporal_patch_size=2))
    info._calculate_timestamps = vllm.Qwen3VLProcessingInfo._calculate_timestamps.__get__(info)
    shown = vllm.Qwen3VLProcessingInfo._get_video_second_idx(info, metadata, do_sample_frames=False)

    assert shown == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)


def test_two_questions_on_one_video_do_not_share_a_cache_entry(vllm):
    keys = {
        vllm.MultiModalHasher.hash_kwargs("blake3", media_io_kwargs=extra_body(question)["media_io_kwargs"])
        for question in ("first?", "second?", "first?")
    }

    assert len(keys) == 2


def test_frames_are_an_array_of_the_host(vllm, constant_video):
    frames, _ = load(vllm, constant_video.read_bytes(), plan={"frame_indices": [1, 2]})

    assert isinstance(frames, np.ndarray)
    assert frames.dtype == np.uint8


@pytest.mark.parametrize("argument", ["media_io_kwargs", "mm_processor_kwargs"])
def test_vllm_refuses_in_the_words_that_the_client_is_tested_with(vllm, vllm_refusals, argument):
    given = {"media_io_kwargs": None, "mm_processor_kwargs": None, argument: {"video": {"fps": 1}}}
    with pytest.raises(vllm.VLLMValidationError) as refused:
        vllm.validate_request_mm_kwargs(**given, trust_request_mm_kwargs=False)

    assert str(refused.value) == vllm_refusals[argument]
    assert vllm.create_error_response(refused.value).error.code == 400


@pytest.mark.parametrize(("question", "num_frames"), [("", 8), ("who signs?", 0)])
def test_what_the_server_would_refuse_is_not_sent(question, num_frames):
    with pytest.raises(InputError, match="num_frames of at least 1"):
        extra_body(question, num_frames=num_frames)
