"""``clamr-select ask`` as a user types it: with a model in the process, with a server, and with none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clamr_select.cli import main

QUESTION = "what is said about the walrus?"
SRT = "1\n00:00:11,500 --> 00:00:13,400\nThe walrus answered the harbor master.\n"
REPLY = "The walrus answered.\nAnswer: B"


@pytest.fixture(scope="module")
def ask(color_video, tmp_path_factory):
    subtitles = tmp_path_factory.mktemp("ask") / "talk.srt"
    subtitles.write_text(SRT, encoding="utf-8")
    common = ["--subtitles", str(subtitles), "--ocr", "off", "--num-frames", "2"]
    return lambda *options: main(["ask", str(color_video), QUESTION, *common, *options])


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, list[dict]]]:
    """An OpenAI-compatible server that says ``REPLY``, and the requests it got."""
    pytest.importorskip("openai")
    requests: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send(json.dumps({"object": "list", "data": [{"id": "tiny", "object": "model"}]}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append({**body, "key": self.headers["Authorization"]})
            self.send("".join(stream()) if body["stream"] else json.dumps(completion()))

        def send(self, text: str) -> None:
            self.send_response(200)
            kind = "text/event-stream" if text.startswith("data:") else "application/json"
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/v1", requests
    running.shutdown()
    thread.join()
    running.server_close()


def completion() -> dict:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPLY}}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [choice]}


def stream() -> Iterator[str]:
    for piece, reason in ((REPLY[:8], None), (REPLY[8:], "stop")):
        choice = {"index": 0, "delta": {"content": piece}, "finish_reason": reason}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "tiny", "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def test_without_a_vlm_the_evidence_is_shown_and_nothing_answered(ask, capsys):
    assert ask() == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("no VLM is configured")
    assert any("00:12.0" in line and "walrus answered" in line for line in printed)
    assert ask("--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["text"] is None
    assert data["prompt"] == []
    assert "no_vlm" in [warning["code"] for warning in data["warnings"]]
    assert len(data["selection"]["frame_indices"]) == 2


@pytest.mark.parametrize("stream", ["--stream", "--no-stream"])
def test_a_server_answers_and_the_evidence_follows(ask, server, capsys, stream):
    address, requests = server
    assert ask("--vlm", address, stream, "--option", "a walrus sings", "--option", "a walrus answers") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{REPLY}\nchoice: B. a walrus answers\n")
    assert "00:12.0" in printed
    assert requests[-1]["model"] == "tiny"
    assert requests[-1]["stream"] is (stream == "--stream")
    assert "B. a walrus answers" in requests[-1]["messages"][0]["content"][-1]["text"]
    assert requests[-1]["max_tokens"] == 512


def test_the_key_comes_from_the_variable_that_is_named(ask, server, capsys, monkeypatch):
    address, requests = server
    monkeypatch.setenv("MY_KEY", "mine")
    monkeypatch.setenv("OPENAI_API_KEY", "of another service")
    assert ask("--vlm", address, "--api-key-env", "MY_KEY", "--json", "--no-quote-subtitles") == 0
    assert requests[-1]["key"] == "Bearer mine"
    assert "<subtitles>" not in json.dumps(requests[-1]["messages"])
    data = json.loads(capsys.readouterr().out)
    assert (data["text"], data["vlm"], data["choice"]) == (REPLY, "tiny", None)
    assert ask("--vlm", address) == 0
    assert requests[-1]["key"] == "Bearer none"


def test_frames_as_video_for_a_server(ask, server, capsys):
    address, requests = server
    assert ask("--vlm", address, "--frames-as", "video") == 0
    assert "media_io_kwargs" in requests[-1]
    assert requests[-1]["messages"][0]["content"][0]["type"] == "video_url"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--vlm", "no-such/vlm/at-all"], "no-such/vlm"),
        (["--vlm-model", "m"], "--vlm http"),
        (["--vlm", "some/model", "--api-key-env", "K"], "--vlm http"),
        (["--vlm", "http://localhost/v1", "--api-key-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (["--option", "one"], "2 to 26"),
        (["--option", "one", "--option", "One."], "read the same"),
        (["--max-new-tokens", "0"], "max-new-tokens"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(ask, capsys, options, word):
    assert ask(*options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    message = [line for line in captured.err.splitlines() if line.startswith("clamr-select:")]
    assert len(message) == 1
    assert word in message[0]


def test_a_server_that_is_not_there(ask, capsys):
    pytest.importorskip("openai")
    assert ask("--vlm", "http://127.0.0.1:1/v1", "--vlm-model", "m") == 2
    assert "no answer from http://127.0.0.1:1/v1" in capsys.readouterr().err
