"""SGLang's own request schema and multimodal processors, run on what we give them. Needs SGLang, no GPU.

Run against the released wheel of SGLang 0.5.23 (``make test-consumers``), which imports whole on a CPU.
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from clamr_select.integrations.sglang import chat_messages, generate_arguments

REASON = "SGLang is not installed; make test-consumers makes an environment with it"
MODULES = (
    "sglang.srt.entrypoints.openai.protocol",
    "sglang.srt.parser.jinja_template_utils",
    "sglang.srt.multimodal.processors.qwen_vl",
    "sglang.srt.runtime_context",
    "sglang.srt.server_args",
)
TIME = r"<(\d+\.\d+) seconds>"
MAX_ERROR_SECONDS = 0.05 + 1e-6  # times are written in tenths


@pytest.fixture(scope="module")
def sglang(import_consumer) -> SimpleNamespace:
    """Names of SGLang that the tests use."""
    modules = import_consumer(*MODULES, reason=REASON)
    return SimpleNamespace(**{name: value for module in modules for name, value in vars(module).items()})


def shown(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_messages_are_images_behind_their_times(numbered_video, selection_of, read):
    selection = selection_of(numbered_video, 0, 4, 9)
    (message,) = chat_messages(selection, "which number?")
    *frames, question = message["content"]
    texts, images = frames[::2], frames[1::2]

    times = [float(re.fullmatch(TIME, text["text"].strip())[1]) for text in texts]
    assert times == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)
    assert [read(shown(image["image_url"]["url"])) for image in images] == [0, 4, 9]
    assert {image["modalities"] for image in images} == {"multi-images"}
    assert question == {"type": "text", "text": "which number?"}


def test_the_engine_gets_what_the_processor_makes(numbered_video, selection_of, build):
    processor, selection = build("Qwen3-VL"), selection_of(numbered_video, 0, 4, 9)
    arguments = generate_arguments(selection, processor, question="which?", max_new_tokens=4)

    assert arguments["sampling_params"] == {"max_new_tokens": 4}
    assert arguments["video_data"][0]["format"] == "processor_output"
    assert "sampling_params" not in generate_arguments(selection, processor)


def test_the_server_takes_the_messages_in_their_order(sglang, numbered_video, selection_of, read):
    selection = selection_of(numbered_video, 0, 4, 9)
    request = sglang.ChatCompletionRequest(model="any", messages=chat_messages(selection))
    images, modalities = [], []
    message = sglang.process_content_for_template_format(
        request.messages[0].model_dump(), "openai", images, [], [], modalities
    )

    assert [part["type"] for part in message["content"]] == ["text", "image"] * 3 + ["text"]
    assert [read(shown(image.url)) for image in images] == [0, 4, 9]
    assert modalities == ["multi-images"] * 3


@pytest.mark.parametrize("indices", [(3,), (0, 5, 14)], ids=len)
def test_the_engine_keeps_the_seconds(sglang, numbered_video, selection_of, tiny, indices):
    """SGLang's ``QwenVLImageProcessor``, which the engine's tokenizer manager calls, on Qwen3-VL."""
    processor, selection = tiny.processor("Qwen3-VL"), selection_of(numbered_video, *indices)
    arguments = generate_arguments(selection, processor, question="which?")
    server = sglang.ServerArgs(model_path="none", device="cpu", mm_process_config={})
    sglang.get_context().set_server_args(server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        media = sglang.QwenVLImageProcessor(
            tiny.qwen3_vl_model(processor.tokenizer).config, server, processor, "default"
        )
        made = asyncio.run(
            media.process_mm_data_async(
                image_data=None,
                input_text=arguments["input_ids"],
                request_obj=SimpleNamespace(video_data=arguments["video_data"], audio_data=None, rid="1"),
                max_req_input_len=100_000,
            )
        )
    prompt = processor.tokenizer.decode(made.input_ids)
    (item,) = made.mm_items

    assert [float(time) for time in re.findall(TIME, prompt)] == pytest.approx(
        selection.timestamps_seconds, abs=MAX_ERROR_SECONDS
    )
    assert item.model_specific_data["video_grid_thw"].tolist()[0][0] == len(indices)
    assert len(item.offsets) == len(indices)
    assert made.input_ids == arguments["input_ids"]
