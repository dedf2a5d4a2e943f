"""async_openai: what goes over HTTP to a server is the selected frames."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SELECTOR = "clamr_model=clamr-nano,clamr_policy=topk,clamr_ocr=off"


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(address, the bodies of the requests): answers every chat with "A"."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            message = {"role": "assistant", "content": "A"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/v1", bodies
    http.shutdown()
    thread.join()
    http.server_close()


# lmms-eval by itself sends earlier frames again, the more the more there are
@pytest.mark.parametrize(
    ("base", "emit", "num_frames"),
    [
        ("async_openai", "handle", 4),
        ("async_openai", "handle", 32),
        ("async_openai", "images", 4),
        ("openai", "handle", 32),
        ("openai", "clip", 4),
        ("openai-simple", "clip", 4),
        ("openai-simple", "images", 4),
    ],
)
def test_the_selected_frames_are_sent(
    base: str,
    emit: str,
    num_frames: int,
    server: tuple[str, list[dict[str, Any]]],
    evaluate: Callable[..., Any],
    tmp_path: Path,
) -> None:
    from PIL import Image

    from clamr_select.eval.longvideo.smoke.barcodes import read

    address, bodies = server
    name, _, kind = base.partition("-")
    frames = f"nframes={num_frames},num_cpus=2" if name == "async_openai" else f"max_frames_num={num_frames}"
    arguments = f"base={name},model_version=m,base_url={address},api_key=none,{frames}"
    given = f"{arguments},{SELECTOR},clamr_emit={emit},clamr_store={tmp_path / 'store'},clamr_log={tmp_path / 'log'}"
    evaluate("clamr", given, limit=2, force_simple=kind == "simple")

    file = next((tmp_path / "log").glob("*.jsonl"))
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    by_question = {row["selection"]["question"]: row["selection"] for row in rows}
    assert len(bodies) == len(by_question) == 2
    for body in bodies:
        blocks = body["messages"][-1]["content"]
        text = "\n".join(block["text"] for block in blocks if block["type"] == "text")
        selection = next(selection for question, selection in by_question.items() if question in text)
        urls = [block["image_url"]["url"] for block in blocks if block["type"] == "image_url"]
        pictures = [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB") for url in urls]
        # every frame is a picture of its own, so none is repeated
        assert [read(np.asarray(picture)) for picture in pictures] == selection["frame_indices"]
        assert len(pictures) == num_frames
        if emit == "images" and kind != "simple":
            for seconds in selection["timestamps_seconds"]:
                assert f"<{seconds:.1f} seconds>" in text
