"""Every example of docs/integrations.md runs where the tool it is for is installed."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clamr_select.selector import FrameSelector

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
ADDRESS = "http://localhost:8000/v1"


class Replies(BaseHTTPRequestHandler):
    """A server that takes whatever is sent."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "a reply"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "1", "object": "chat.completion", "created": 0, "model": "any-vlm", "choices": [choice]}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Replies) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_the_page_has_an_example_for_every_adapter():
    adapters = ("integrations.qwen", "integrations.transformers", "integrations.openai", "vllm", "sglang")
    assert [name for name in adapters if not any(name in code for code in EXAMPLES)] == []


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.split("\n")[0])
def test_the_example_runs(code, build, selection_of, constant_video, address, tmp_path, monkeypatch):
    for package in ("qwen_vl_utils", "openai"):
        if package.removesuffix("_vl_utils") in code:
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    video = Path(shutil.copy(constant_video, tmp_path / "talk.mp4"))
    key = "path" if "patch(" in code else "video"
    content = [{"type": "video", key: str(video)}, {"type": "text", "text": "What?"}]
    names = {
        "processor": build("Qwen3-VL"),
        "selector": FrameSelector.from_pretrained("clamr-nano", device="cpu"),
        "selection": selection_of(video, 3, 50, 119),
        "messages": [{"role": "user", "content": content}],
    }
    exec(compile(code.replace(ADDRESS, address), "docs/integrations.md", "exec"), names)  # noqa: S102 (our own page)
