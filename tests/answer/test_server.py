"""Real HTTP round trips: ``transformers serve`` answers about selected frames from a tiny Qwen2.5-VL."""

from __future__ import annotations

import base64
import http.client
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from clamr_select.answer import Answer, OpenAIVlm, VideoQA, create_chat_completion
from clamr_select.errors import InputError, ServerError, ServerUnreachableError, UnknownNameError

pytest.importorskip("openai", reason="the extra openai is not installed")

QUESTION = "what is said about the walrus?"
REFUSAL_OF_VLLM = (
    "Per-request mm_processor_kwargs are disabled by default because they can change multimodal preprocessing "
    "resource usage. Start the server with --trust-request-mm-kwargs only when clients are trusted."
)


@pytest.fixture
def server(server: str) -> str:
    """One that says which model it serves: ``transformers serve`` once did not, of a model in a directory."""
    from openai import OpenAI

    if not list(OpenAI(base_url=server, api_key="none").models.list()):
        pytest.skip("the installed transformers serve does not list the model of a directory")
    return server


@pytest.fixture
def asker(selector, subtitles, color_video) -> Callable[[OpenAIVlm], Callable[..., Answer]]:
    def asker(vlm: OpenAIVlm) -> Callable[..., Answer]:
        qa = VideoQA(selector, vlm, index_options={"subtitles": subtitles, "ocr": "off"})
        return lambda question=QUESTION, *rest, **settings: qa.ask(color_video, question, *rest, **settings)

    return asker


@contextmanager
def http_server(answer: Callable[[bytes], tuple[int, bytes]]) -> Iterator[str]:
    """A server of the standard library; ``answer`` maps the body of a POST to a status and a body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            kind = "text/event-stream" if body.startswith(b"data:") else "application/json"
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refuses_as_vllm(upstream: str) -> Callable[[bytes], tuple[int, bytes]]:
    """vLLM without ``--trust-request-mm-kwargs``: what it would take is answered by the real server."""
    address = urlsplit(upstream)

    def answer(body: bytes) -> tuple[int, bytes]:
        if json.loads(body).keys() & {"media_io_kwargs", "mm_processor_kwargs"}:
            error = {"message": REFUSAL_OF_VLLM, "type": "BadRequestError", "param": "mm_processor_kwargs", "code": 400}
            return 400, json.dumps({"error": error}).encode()
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        connection.request("POST", f"{address.path}/chat/completions", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        try:
            return response.status, response.read()
        finally:
            connection.close()

    return answer


def test_the_server_answers_about_the_selected_frames(asker, server):
    answer = asker(OpenAIVlm(server))(num_frames=3, max_new_tokens=6)

    assert 12.0 in answer.selection.timestamps_seconds  # where the walrus is spoken of
    assert answer.text
    assert answer.usage.completion_tokens == 6
    assert answer.usage.prompt_tokens > 400
    assert answer.finish_reason == "length"
    assert "answer_truncated" in [warning.code for warning in answer.warnings]
    assert answer.fallback is None
    texts = [part["text"] for part in answer.prompt[0]["content"] if part["type"] == "text"]
    times = [f"<{seconds:.1f} seconds>" for seconds in answer.selection.timestamps_seconds]
    assert [time in text for time, text in zip([*times, QUESTION], texts, strict=True)] == [True] * 4
    assert "base64," not in json.dumps(answer.to_dict())


def test_what_reaches_the_server_is_the_selected_frames(asker, server, tiny_vlm):
    """The same messages, given to the same weights in this process, give the server's tokens and text."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    vlm = OpenAIVlm(server)
    selection = asker(vlm)(num_frames=3, max_new_tokens=1).selection
    sent = create_chat_completion(
        vlm.client, selection, model=vlm.name, style="images", subtitles=True, max_tokens=8, temperature=0
    )
    parts = sent.messages[0]["content"]
    images = [decode(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]
    for image, frame in zip(images, selection.frames(), strict=True):
        assert np.abs(np.asarray(image, float) - frame).mean() < 3  # JPEG

    processor = AutoProcessor.from_pretrained(tiny_vlm("qwen2_5_vl"))
    model = AutoModelForImageTextToText.from_pretrained(tiny_vlm("qwen2_5_vl"))
    pictures = iter(images)
    content = [p if p["type"] == "text" else {"type": "image", "image": next(pictures)} for p in parts]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    made = model.generate(**inputs, max_new_tokens=8, do_sample=False)[0, inputs["input_ids"].shape[1] :]

    assert sent.response.usage.prompt_tokens == inputs["input_ids"].shape[1]
    assert sent.response.choices[0].message.content == processor.decode(made, skip_special_tokens=True)


def decode(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_streaming_gives_the_same_answer_in_pieces(selector, subtitles, color_video, server):
    qa = VideoQA(selector, OpenAIVlm(server), index_options={"subtitles": subtitles, "ocr": "off"})
    whole = qa.ask(color_video, QUESTION, num_frames=2, max_new_tokens=8)
    *pieces, answer = qa.ask_stream(color_video, QUESTION, num_frames=2, max_new_tokens=8)

    assert len(pieces) > 1
    assert "".join(pieces) == answer.text
    assert answer.usage == whole.usage
    assert answer.finish_reason == "length"
    assert 0 < answer.timings_seconds["first_piece"] <= answer.timings_seconds["answer"]


def test_a_refusing_server_gets_images_and_the_answer_says_so(asker, server):
    """``transformers serve`` takes no ``media_io_kwargs``: it refuses them as unknown fields."""
    answer = asker(OpenAIVlm(server, style="video_url", on_refusal="images"))(num_frames=3, max_new_tokens=4)

    assert answer.text
    assert (answer.fallback.asked, answer.fallback.used) == ("video_url", "images")
    assert "422" in answer.fallback.reason
    assert "media_io_kwargs" in answer.fallback.reason
    assert "fallback" in [warning.code for warning in answer.warnings]
    assert [part["type"] for part in answer.prompt[0]["content"]].count("image_url") == 3


def test_a_refusal_in_the_words_of_vllm(asker, server):
    with http_server(refuses_as_vllm(server)) as refusing:
        vlm = OpenAIVlm(refusing, model=OpenAIVlm(server).name, style="video_url", on_refusal="images")
        answer = asker(vlm)(num_frames=2, max_new_tokens=4)

    assert answer.text
    assert "--trust-request-mm-kwargs" in answer.fallback.reason


def test_a_fallback_that_was_not_asked_for_is_an_error(asker, server):
    with pytest.raises(ServerError, match="on_refusal='images'"):
        asker(OpenAIVlm(server, style="video_url"))(num_frames=2, max_new_tokens=4)


def test_video_is_sent_with_its_times_and_only_the_last_of_a_conversation(selector, subtitles, color_video):
    """vLLM's media arguments hold for all videos of a request."""
    requests = []
    completion = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A walrus."}}],
    }

    def takes_all(body: bytes) -> tuple[int, bytes]:
        requests.append(json.loads(body))
        return 200, json.dumps(completion).encode()

    with http_server(takes_all) as accepting:
        qa = VideoQA(
            selector,
            OpenAIVlm(accepting, model="m", style="video_url", extra_body={"top_k": 1}),
            index_options={"subtitles": subtitles, "ocr": "off"},
        )
        chat = qa.conversation(color_video)
        chat.ask(QUESTION, num_frames=2)
        answer = chat.ask("and the lantern?", num_frames=3)

    assert answer.usage is None
    assert [warning.code for warning in answer.warnings] == [w.code for w in answer.selection.warnings]
    first, second = requests
    assert first["messages"][0]["content"][0]["type"] == "video_url"
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]
    assert "video_url" not in [part["type"] for part in second["messages"][0]["content"]]
    assert second["top_k"] == 1
    video = second["media_io_kwargs"]["video"]
    seconds = sorted({index / video["fps"] for index in video["frames_indices"]})
    np.testing.assert_allclose(seconds, answer.selection.timestamps_seconds, atol=0.05)


def test_another_error_is_no_refusal(asker, server):
    with pytest.raises(ServerError, match="requested 'another'"):
        asker(OpenAIVlm(server, model="another"))(num_frames=2)
    with http_server(lambda _: (400, b'{"error": {"message": "the prompt is too long"}}')) as full:
        vlm = OpenAIVlm(full, model="m", style="video_url", on_refusal="images")
        with pytest.raises(ServerError, match="too long"):
            asker(vlm)(num_frames=2)


def test_a_stream_that_breaks_off_is_an_error(selector, color_video):
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    chunk["choices"] = [{"index": 0, "delta": {"content": "The wal"}, "finish_reason": None}]
    with http_server(lambda body: (200, f"data: {json.dumps(chunk)}\n\n".encode())) as broken:
        qa = VideoQA(selector, OpenAIVlm(broken, model="m"), index_options={"ocr": "off"})
        pieces = qa.ask_stream(color_video, QUESTION, num_frames=1)
        assert next(pieces) == "The wal"
        with pytest.raises(ServerError, match="broke off"):
            next(pieces)


def test_an_error_inside_a_stream_is_an_error(selector, color_video):
    with http_server(lambda body: (200, b'data: {"error": "out of memory"}\n\n')) as failing:
        qa = VideoQA(selector, OpenAIVlm(failing, model="m"), index_options={"ocr": "off"})
        with pytest.raises(ServerError, match="out of memory"):
            list(qa.ask_stream(color_video, QUESTION, num_frames=1))


def test_no_choices_is_an_error(asker):
    body = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": []}).encode()
    with http_server(lambda _: (200, body)) as empty, pytest.raises(ServerError, match="no choices"):
        asker(OpenAIVlm(empty, model="m"))(num_frames=1)


def test_nothing_listens(asker, free_port):
    vlm = OpenAIVlm(f"http://127.0.0.1:{free_port}/v1", model="m")
    vlm.client = vlm.client.with_options(max_retries=0)
    with pytest.raises(ServerUnreachableError, match="no answer from http://127"):
        asker(vlm)(num_frames=1)


@pytest.mark.parametrize("address", ["localhost:8000/v1", "file:///etc/passwd", "http://", "ftp://host/v1"])
def test_what_is_no_address_fails(address):
    with pytest.raises(InputError, match="http://localhost:8000/v1"):
        OpenAIVlm(address, model="m")


@pytest.mark.parametrize("option", ["style", "on_refusal", "max_tokens_field"])
def test_unknown_names_fail(option):
    with pytest.raises(UnknownNameError, match="choose from"):
        OpenAIVlm("http://localhost:8000/v1", model="m", **{option: "guess"})


def test_no_key_of_the_environment_is_sent(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert OpenAIVlm("http://localhost:8000/v1", model="m").client.api_key == "none"
    assert OpenAIVlm("http://localhost:8000/v1", model="m", api_key="mine").client.api_key == "mine"
