"""A language model behind a server reads what a question asks of time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from clamr_select.answer.question_reader import OpenAIQuestionReader
from clamr_select.errors import InputError, ServerUnreachableError
from clamr_select.policies.questions import plan_question

pytest.importorskip("openai")
PLAN = {"text": "who sings", "scope": "moment", "place": None, "order": "after", "event": "the storm"}


@pytest.fixture
def address() -> Iterator[tuple[str, list]]:
    asked: list = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            message = {"role": "assistant", "content": json.dumps(PLAN)}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            body = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": choices})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()
    server.server_close()


def test_its_reply_is_the_plan(address):
    url, asked = address
    plan = plan_question("Who sings once the storm is over?", ask=OpenAIQuestionReader(url, model="m"))
    assert (plan.text, plan.order, plan.event, plan.by) == ("who sings", "after", "the storm", "model")
    assert asked[0]["messages"][0]["content"].endswith("Who sings once the storm is over?")
    assert asked[0]["temperature"] == 0


def test_where_nothing_answers_it_says_so():
    reader = OpenAIQuestionReader("http://127.0.0.1:9/v1", model="m", timeout_seconds=2)
    with pytest.raises(ServerUnreachableError):
        reader("hello")
    with pytest.raises(InputError, match="must be an address"):
        OpenAIQuestionReader("nowhere", model="m")
