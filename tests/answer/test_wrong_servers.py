"""What answers at an address may be no model server; what it says is one error, not a traceback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clamr_select.answer import OpenAIVlm, parse_choice, tally_choices
from clamr_select.answer.openai_client import send_chat
from clamr_select.errors import InputError, ServerError

openai = pytest.importorskip("openai", reason="the openai extra is not installed")
OPTIONS = ["it sings", "it answers", "it sleeps"]


class LoginPage(BaseHTTPRequestHandler):
    """Answers whatever is asked with a page."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Please log in</html>")

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), LoginPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_page_is_no_chat_completion(address):
    with (
        openai.OpenAI(base_url=address, api_key="none") as client,
        pytest.raises(ServerError, match="no OpenAI-compatible server"),
    ):
        send_chat(client, lambda style: ([{"role": "user", "content": "x"}], {}), model="m")


@pytest.mark.parametrize(
    "base_url", ["http://[::1/v1", "http://localhost:port/v1", "http://localhost:99999/v1", "http:///v1", "ftp://a/v1"]
)
def test_what_is_no_address_is_told(base_url):
    with pytest.raises(InputError, match="base_url must be an address like http://localhost:8000/v1, got"):
        OpenAIVlm(base_url, model="m")


@pytest.mark.parametrize("reply", ["A\nActually, B", "A\nB", "A\nNo: (C)."])
def test_a_reply_that_corrects_itself_is_unparsed(reply):
    assert parse_choice(reply, OPTIONS) is None


@pytest.mark.parametrize("reply", ["B\nA walrus sings when it is alone.", "B\nBecause it answers."])
def test_an_explanation_is_no_correction(reply):
    assert parse_choice(reply, OPTIONS) == "B"


@pytest.mark.parametrize(("choices", "right"), [(["The answer is B"], ["B"]), (["b"], ["B"]), (["B"], ["b"])])
def test_replies_are_not_tallied_as_letters(choices, right):
    with pytest.raises(InputError, match="letters A to Z"):
        tally_choices(choices, right=right)
