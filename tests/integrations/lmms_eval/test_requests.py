"""Copies of requests: the evaluator's own stay, the document decides, nothing is lost in silence."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.plan import FramePlan
from clamr_select.integrations.lmms_eval.shown import is_video_path

SELECTOR = {"clamr_model": "clamr-nano", "clamr_policy": "topk", "clamr_ocr": "off"}


@pytest.fixture
def made_task(world: Path) -> Callable[[str], Any]:
    """The barcode task as lmms-eval builds it for a ``--model``, with its requests."""
    from lmms_eval.tasks import TaskManager, get_task_dict

    def make(model: str, *, kind: str = "chat") -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            manager = TaskManager(include_path=str(world / "tasks"), include_defaults=False, model_name=model)
            task = get_task_dict(["barcodes"], manager, kind)["barcodes"]
            task.build_all_requests(limit=3, rank=0, world_size=1)
        return task

    return make


def built(base_class: type, task: Any, *, base: str = "oracle", **arguments: Any) -> Any:
    from clamr_select.integrations.lmms_eval.sampled_model import sampled_class

    model = sampled_class(base_class, base=base)(**arguments)
    model.task_dict["barcodes"] = task.dataset
    return model


@pytest.fixture
def fake_base() -> Callable[..., type]:
    """A chat model whose ``generate_until`` is given."""
    from clamr_select.eval.longvideo.smoke.oracle import Oracle

    def make(generate_until: Callable[..., Any]) -> type:
        return type("Fake", (Oracle,), {"generate_until": generate_until, "clamr_reads": None})

    return make


@pytest.fixture
def ready(fake_base: Callable[..., type]) -> Callable[..., Any]:
    """A model that was built under the name of a base, with arguments; it answers nothing."""
    from clamr_select.integrations.lmms_eval.sampled_model import sampled_class

    def init(self: Any, **given: Any) -> None:
        self.task_dict = {}

    def make(base: str, **arguments: Any) -> Any:
        own = {"__init__": init, "is_simple": base == "llava_vid"}
        return sampled_class(type("Ready", (fake_base(lambda self, requests: []),), own), base=base)(**arguments)

    return make


def test_the_requests_of_the_evaluator_stay(made_task: Callable[..., Any]) -> None:
    from clamr_select.eval.longvideo.smoke.oracle import Oracle

    task = made_task("clamr")
    before = [(request.args, copy.deepcopy(request.args[2])) for request in task.instances]
    kwargs = task.lmms_eval_specific_kwargs

    answers = built(Oracle, task, **SELECTOR).generate_until(task.instances)

    assert answers == ["A", "B", "C"]
    for request, (arguments, gen_kwargs) in zip(task.instances, before, strict=True):
        assert request.args is arguments
        assert request.args[2] == gen_kwargs  # the base set top_p in its copy
    assert (task.model_name, task.lmms_eval_specific_kwargs) == ("clamr", kwargs)


def test_a_batch_that_asks_the_first_request_for_every_document(
    made_task: Callable[..., Any], fake_base: Callable[..., type]
) -> None:
    """Many models do; each document still gets its own frames, by the handle that stands for its path."""
    from clamr_select.integrations.lmms_eval.handle import SelectedVideo

    seen: list[SelectedVideo] = []

    def generate(self: Any, requests: Any) -> list[str]:
        make, split = requests[0].args[1], requests[0].args[5]
        for request in requests:
            (message,) = make(self.task_dict["barcodes"][split][request.doc_id])
            seen.extend(block["url"] for block in message["content"] if block["type"] == "video")
        for handle in seen:
            handle.plan.consumed(())
        return ["A"] * len(requests)

    task = made_task("clamr")
    built(fake_base(generate), task, base="qwen2_5_vl", **SELECTOR).generate_until(task.instances)

    docs = [task.dataset["test"][index] for index in range(3)]
    assert [str(handle) for handle in seen] == [doc["video"] for doc in docs]
    assert [handle.plan.selection.question for handle in seen] == [doc["question"] for doc in docs]


def test_frames_that_nobody_read_are_an_error(made_task: Callable[..., Any], fake_base: Callable[..., type]) -> None:
    task = made_task("clamr")
    deaf = built(fake_base(lambda self, requests: ["A"] * len(requests)), task, **SELECTOR)

    with pytest.raises(InputError, match="answered without the selected frames of 3 of 3 videos"):
        deaf.generate_until(task.instances)


@pytest.mark.parametrize("method", ["loglikelihood", "generate_visual_cot"])
@pytest.mark.parametrize("mode", [SELECTOR, {"clamr_mode": "uniform"}])
def test_a_method_that_gets_no_frames_is_not_asked_about_videos(
    mode: dict[str, str], method: str, made_task: Callable[..., Any], fake_base: Callable[..., type]
) -> None:
    """Its base would sample them itself, and nothing would say so."""
    task = made_task("clamr", kind="simple")
    own = {"is_simple": True, method: lambda self, requests: ["answered"] * len(requests)}
    model = built(type("Simple", (fake_base(lambda self, requests: []),), own), task, base="llava_hf", **mode)
    with pytest.raises(InputError, match=f"barcodes asks for {method} about a video, and frames are handed over only"):
        getattr(model, method)(task.instances)

    for request in task.instances[:2]:
        request.arguments = (*request.args[:2], lambda doc: None, *request.args[3:])
    task.instances[2].arguments = ("", "A")
    assert getattr(model, method)(task.instances) == ["answered"] * 3


def showing(task: Any, **block: Any) -> Any:
    """The first request of a chat task, which shows one video block."""
    (request, *_) = task.instances
    messages = [{"role": "user", "content": [{"type": "video", **block}]}]
    request.arguments = (request.args[0], lambda doc: messages, *request.args[2:])
    return request


PART = {"url": "talk.mp4", "start_time": 20.0, "end_time": 30.0}


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (PART, r"barcodes shows talk\.mp4 from 20\.0 to 30\.0 seconds, and frames are selected of whole files: cut"),
        ({"url": "talk.mp4", "end_time": 3.0}, r"talk\.mp4 from None to 3\.0 seconds"),
        ({"url": {"path": "talk.mp4", "video_start": 20.0}}, r"named by a dict, not by its path alone: \{'path': 't"),
        ({"url": ["first frame", "second frame"]}, "named by a list, not by its path alone"),
    ],
)
def test_a_video_whose_frames_cannot_be_selected_is_refused(
    block: dict[str, Any], said: str, made_task: Callable[..., Any], fake_base: Callable[..., type]
) -> None:
    task = made_task("clamr")
    model = built(fake_base(lambda self, requests: []), task, **SELECTOR)

    with pytest.raises(InputError, match=said):
        model.generate_until([showing(task, **block)])


@pytest.mark.parametrize("base", ["oracle", "qwen2_5_vl"])
def test_the_base_samples_the_part_that_it_is_shown(
    base: str, made_task: Callable[..., Any], fake_base: Callable[..., type]
) -> None:
    handed: list[dict[str, Any]] = []

    def generate(self: Any, requests: Any) -> list[str]:
        (message,) = requests[0].args[1](self.task_dict["barcodes"]["test"][0])
        handed.extend(message["content"])
        for block in handed:
            getattr(block["url"], "plan", FramePlan("", "", "uniform", None, num_frames=0, pair="none")).consumed(())
        return ["A"]

    task = made_task("clamr")
    built(fake_base(generate), task, base=base, clamr_mode="uniform").generate_until([showing(task, **PART)])

    assert handed == [{"type": "video", **PART}]


@pytest.mark.parametrize("name", ["v.mp4", "v.OGV", "v.m2ts", "v.3gp", "folder.jpg/without a suffix"])
def test_a_path_is_a_videos_unless_it_is_of_pictures_or_sound(name: str) -> None:
    from lmms_eval.api.task import ConfigurableMessagesTask

    assert is_video_path(name)
    others = ConfigurableMessagesTask._IMAGE_EXTS | ConfigurableMessagesTask._AUDIO_EXTS
    # sound to lmms-eval, but simple models decode it
    assert not any(is_video_path(f"v{suffix.upper()}") for suffix in others - {".webm"})


def test_requests_from_a_cache_that_lost_their_callables(made_task: Callable[..., Any]) -> None:
    from clamr_select.integrations.lmms_eval.requests import parse

    lost = SimpleNamespace(args=("text", None, {}, 0, "barcodes", "test"))

    with pytest.raises(InputError, match="--cache_requests drops"):
        parse(lost, is_simple=False)


def test_a_simple_model_is_told_that_its_prompt_differs(
    made_task: Callable[..., Any], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    from clamr_select.eval.longvideo.smoke.oracle import OracleFile

    task = made_task("clamr", kind="simple")
    with caplog.at_level(logging.WARNING, logger="clamr_select"):
        built(OracleFile, task, base="qwen3_vl", clamr_mode="uniform", clamr_emit="clip").generate_until(task.instances)

    assert [record.message for record in caplog.records if "prompts differ" in record.message]


def test_a_simple_model_gets_the_words_of_its_frames(
    made_task: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its prompt is written before frames are known; a task with our mark gets them put in all the same."""
    from clamr_select.eval.longvideo.smoke.oracle import OracleFile
    from clamr_select.integrations.lmms_eval.tasks import registry
    from clamr_select.integrations.lmms_eval.tasks.subtitled import MARK

    def question(doc: Any, _: Any) -> registry.TaskQuestion:
        return registry.TaskQuestion(stem=doc["question"], subtitles=doc["video"].replace(".mp4", ".srt"))

    monkeypatch.setitem(registry._registered, "barcodes", registry.TaskAdapter(question))
    prompts: list[str] = []

    def answer(self: Any, context: str, *rest: Any) -> str:
        prompts.append(context)
        return str(OracleFile._answer(self, context, *rest))

    task = made_task("clamr", kind="simple")
    for request in task.instances:
        request.arguments = (f"{MARK}\n{request.arguments[0]}", *request.arguments[1:])
    model_class = type("Watched", (OracleFile,), {"_answer": answer})
    answers = built(model_class, task, base="oracle_file", **SELECTOR).generate_until(task.instances)

    assert answers == ["A", "B", "C"]
    words = ["walrus", "harbour", "trumpet"]
    assert [f"now we come to the {word}" in prompt for word, prompt in zip(words, prompts, strict=True)] == [True] * 3
    assert not any(MARK in prompt for prompt in prompts)
    assert all(MARK in request.args[0] for request in task.instances)


@pytest.mark.parametrize(
    ("base", "arguments", "said"),
    [
        ("openai", {"pass_video_url": True}, "the server then gets the whole video"),
        ("llava_vid", {"add_time_instruction": True}, "would say that the frames are evenly spaced; use clamr_emit=im"),
        ("lfm2_5_vl", {}, "no frames can be handed to lfm2_5_vl: it shows its model one picture"),
        ("sglang", {"clamr_emit": "handle"}, "clamr_emit=handle does not reach sglang; allowed: auto, images"),
        ("gemini", {"clamr_pair": "repeat"}, "clamr_emit=images sends none"),
    ],
)
def test_what_could_not_arrive_is_refused(
    base: str, arguments: dict[str, Any], said: str, ready: Callable[..., Any]
) -> None:
    with pytest.raises(InputError, match=said):
        ready(base, **SELECTOR, **arguments)


def test_a_server_that_samples_is_refused_before_the_run(ready: Callable[..., Any]) -> None:
    """Its reader would never say which frames it took, and the whole run would be for nothing."""
    with pytest.raises(InputError, match="the server then gets the whole video, and samples it itself; use clamr_em"):
        ready("openai", clamr_mode="uniform", pass_video_url=True)


@pytest.mark.parametrize(
    ("base", "arguments"),
    [("openai", {"pass_video_url": True, "clamr_emit": "images"}), ("llava_vid", {"add_time_instruction": True})],
)
def test_a_base_that_gets_its_path_samples_as_ever(
    base: str, arguments: dict[str, Any], ready: Callable[..., Any]
) -> None:
    """And what its prompt says of evenly spaced frames is so."""
    emitter = ready(base, clamr_mode="uniform", **arguments)._sampler.emitter
    plan = FramePlan("video.mp4", "?", "uniform", None, num_frames=0, pair="none")

    assert emitter.visuals(plan) == ["video.mp4"]
    assert emitter.content(plan, {"type": "video"}) == [{"type": "video", "url": "video.mp4"}]
    assert plan.num_consumed == 2


def test_times_of_a_clip_are_not_those_of_the_frames(
    fake_base: Callable[..., type], made_task: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    model_class = type("Simple", (fake_base(lambda self, requests: []),), {"is_simple": True})
    task = made_task("clamr", kind="simple")
    with caplog.at_level(logging.WARNING, logger="clamr_select"):
        built(model_class, task, base="gemma4", **SELECTOR)
        assert caplog.records == []
        built(model_class, task, base="gemma4", clamr_emit="clip", **SELECTOR)
    assert "gemma4 writes times into its prompt: those of the clip" in caplog.text


def test_a_model_of_ones_own_says_how_it_reads(fake_base: Callable[..., type], made_task: Callable[..., Any]) -> None:
    model_class = fake_base(lambda self, requests: [])
    task = made_task("clamr")
    assert built(model_class, task, base="mine", **SELECTOR)._sampler.emitter.form == "images"
    model_class.clamr_reads = ("clip", "images")  # type: ignore[attr-defined]
    assert built(model_class, task, base="mine", **SELECTOR)._sampler.emitter.form == "clip"
    with pytest.raises(InputError, match="clamr_emit=handle does not reach mine; allowed: auto, clip, images"):
        built(model_class, task, base="mine", clamr_emit="handle", **SELECTOR)


def test_an_id_can_be_replaced_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """For exact prompts of simple models; nothing else changes, and the base is not found in itself."""
    from lmms_eval.models import registry_v2

    from clamr_select.integrations.lmms_eval.registration import WRAP_VARIABLE, manifests

    monkeypatch.setenv(WRAP_VARIABLE, "qwen2_5_vl")
    registry = registry_v2.ModelRegistryV2()
    for manifest in manifests():
        registry.register_manifest(manifest, overwrite=True)

    replaced = registry.get_model_class("qwen2_5_vl")
    assert replaced.__name__ == "Clamr_Qwen2_5_VL"
    assert replaced.clamr_made_of.__module__ == "lmms_eval.models.chat.qwen2_5_vl"
    assert registry.get_model_class("clamr_qwen2_5_vl", force_simple=True).is_simple
    assert "qwen3_vl" not in registry.list_model_names()


def test_registration_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """lmms-eval drops every later plugin where one raises."""
    import sys

    from clamr_select.integrations.lmms_eval.registration import manifests

    monkeypatch.setitem(sys.modules, "lmms_eval.models.registry_v2", None)
    assert manifests() == []


@pytest.mark.parametrize("base", ["llava_hf", "vllm", "async_openai", "minicpm_v", "qwen2_vl"])
def test_every_base_is_registered(base: str) -> None:
    from lmms_eval.models import MODEL_REGISTRY_V2

    manifest = MODEL_REGISTRY_V2.get_manifest(f"clamr_{base}")
    assert (manifest.chat_class_path or manifest.simple_class_path or "").endswith(f"__{base}")
