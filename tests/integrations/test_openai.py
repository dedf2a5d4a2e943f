"""The client over real HTTP, against a small server of OpenAI's schema that refuses media arguments as vLLM does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest

from clamr_select.errors import InputError, ServerError, ServerUnreachableError, UnknownNameError
from clamr_select.integrations.openai import SelectionClient

MAX_ERROR_SECONDS = 0.05 + 1e-6  # times are written in tenths


class ChatServer(ThreadingHTTPServer):
    """Answers every chat request with how its frames came; keeps the requests."""

    def __init__(self, refusals: dict[str, str], *, broken: tuple[int, str] | None) -> None:
        super().__init__(("127.0.0.1", 0), ChatHandler)
        self.refusals, self.broken = refusals, broken
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class ChatHandler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        refused = [said for name, said in self.server.refusals.items() if name in request]
        if self.server.broken:
            status, message = self.server.broken
            self.answer(status, {"error": {"message": message, "type": "InternalServerError", "code": status}})
        elif refused:
            error = {"message": refused[0], "type": "BadRequestError", "param": None, "code": 400}
            self.answer(400, {"error": error})
        else:
            kinds = {part["type"] for part in request["messages"][0]["content"]} - {"text"}
            message = {"role": "assistant", "content": "seen as " + " and ".join(sorted(kinds))}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            self.answer(
                200,
                {"id": "1", "object": "chat.completion", "created": 0, "model": request["model"], "choices": [choice]},
            )

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Not into the output of the tests."""


@contextmanager
def serving(refusals: dict[str, str] | None = None, *, broken: tuple[int, str] | None = None) -> Iterator[ChatServer]:
    with ChatServer(refusals or {}, broken=broken) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def client_of(url: str, **how: Any) -> Iterator[SelectionClient]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=10) as client:
        yield SelectionClient(client, model="any", **how)


def said(sent) -> str:
    return sent.response.choices[0].message.content


def test_a_trusting_server_gets_a_video_with_its_times(numbered_video, selection_of):
    selection = selection_of(numbered_video, 0, 4, 9)
    with serving() as server, client_of(server.url) as client:
        sent = client.ask(selection, "which?", temperature=0)
    (request,) = server.requests
    video = request["media_io_kwargs"]["video"]

    assert said(sent) == "seen as video_url"
    assert (sent.style, sent.fallback) == ("video_url", None)
    assert request["temperature"] == 0
    assert [index / video["fps"] for index in video["frames_indices"]][::2] == pytest.approx(
        selection.timestamps_seconds, abs=MAX_ERROR_SECONDS
    )


def test_a_refusing_server_gets_images_with_their_times_and_the_answer_says_so(
    vllm_refusals, numbered_video, selection_of
):
    selection = selection_of(numbered_video, 0, 4, 9)
    with serving(vllm_refusals) as server, client_of(server.url) as client:
        first, second = client.ask(selection, "which?"), client.ask(selection, "and now?")
    refused, *images = server.requests

    assert said(first) == said(second) == "seen as image_url"
    for sent in (first, second):
        assert sent.style == "images"
        assert (sent.fallback.asked, sent.fallback.used) == ("video_url", "images")
        assert "disabled by default" in sent.fallback.reason
    assert "media_io_kwargs" in refused
    # the second question did not try again
    assert len(images) == 2
    for request in images:
        assert not {"media_io_kwargs", "mm_processor_kwargs"} & set(request)
        written = [part["text"] for part in request["messages"][0]["content"] if part["type"] == "text"][:-1]
        times = [float(re.search(r"<(\d+\.\d+) seconds>", text)[1]) for text in written]
        assert times == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)


def test_images_may_be_asked_for_and_are_then_no_fallback(vllm_refusals, constant_video, selection_of):
    with serving(vllm_refusals) as server, client_of(server.url, style="images") as client:
        sent = client.ask(selection_of(constant_video, 1))

    assert (said(sent), sent.fallback, len(server.requests)) == ("seen as image_url", None, 1)


def test_the_fallback_may_be_forbidden(vllm_refusals, constant_video, selection_of):
    with (
        serving(vllm_refusals) as server,
        client_of(server.url, on_refusal="error") as client,
        pytest.raises(ServerError, match="refuses frames sent as a video"),
    ):
        client.ask(selection_of(constant_video, 1))

    assert len(server.requests) == 1


@pytest.mark.parametrize("broken", [(500, "out of memory"), (400, "the prompt is too long"), (429, "slow down")])
def test_other_errors_are_no_refusal(constant_video, selection_of, broken):
    with (
        serving(broken=broken) as server,
        client_of(server.url) as client,
        pytest.raises(ServerError, match=broken[1]),
    ):
        client.ask(selection_of(constant_video, 1))

    assert len(server.requests) == 1


def test_no_server(constant_video, selection_of):
    with serving() as server:
        url = server.url
    with client_of(url) as client, pytest.raises(ServerUnreachableError):
        client.ask(selection_of(constant_video, 1))


@pytest.mark.parametrize("name", ["style", "on_refusal"])
def test_unknown_names(name):
    with pytest.raises(UnknownNameError, match=name), client_of("http://127.0.0.1:1/v1", **{name: "perhaps"}):
        pass


def test_what_is_no_client_is_refused():
    with pytest.raises(InputError, match=r"openai\.OpenAI"):
        SelectionClient(None, model="any-vlm")
