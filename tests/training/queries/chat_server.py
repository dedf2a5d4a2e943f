"""A small server that speaks OpenAI's chat completions, and answers from what it is given."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ADJECTIVES = ["amber", "brittle", "cobalt", "dusty", "eager", "frozen", "gilded", "hollow", "ivory", "jagged"]
NOUNS = ["anvil", "beacon", "canyon", "dynamo", "estuary", "fjord", "geyser", "hangar", "isthmus", "jetty", "kiln"]


def answer_to(text: str) -> str:
    """Four words that the text decides."""
    digest = hashlib.sha256(text.encode()).digest()
    picked = [ADJECTIVES[digest[0] % 10], NOUNS[digest[1] % 11], ADJECTIVES[digest[2] % 10], NOUNS[digest[3] % 11]]
    return "1. " + " ".join(picked) + f" {int.from_bytes(digest[4:7], 'big')}"


@dataclass
class ChatServer:
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, str | None] = field(default_factory=dict)
    """Material (a part of it) to the answer, instead of one that the text decides; None answers without a text."""
    finish_reason: str = "stop"
    status: int = 200
    delay_seconds: float = 0.0
    hang_after: int | None = None
    """Requests after which it does not answer any more."""

    def reply(self, request: dict[str, Any]) -> str | None:
        content = request["messages"][-1]["content"]
        text = content if isinstance(content, str) else json.dumps(content)
        return next((answer for part, answer in self.answers.items() if part in text), answer_to(text))


@contextmanager
def serve() -> Iterator[ChatServer]:
    state = ChatServer()
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append(request)
            if state.hang_after is not None and len(state.requests) > state.hang_after:
                stopped.wait(60)
                return
            time.sleep(state.delay_seconds)
            if self.path != "/v1/chat/completions" or state.status != 200:
                status = state.status if state.status != 200 else 404
                return self.send(status, {"error": {"message": "out of paper", "type": "server_error"}})
            message = {"role": "assistant", "content": state.reply(request)}
            choice = {"index": 0, "message": message, "finish_reason": state.finish_reason}
            body = {"id": "c1", "object": "chat.completion", "created": 1, "model": request["model"]}
            return self.send(200, {**body, "choices": [choice]})

        def send(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
