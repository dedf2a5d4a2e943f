"""The examples of docs/handoff.md and the README run, on small models of the classes they name."""

from __future__ import annotations

import importlib.util
import json
import re
import runpy
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = {
    "Qwen/Qwen3-VL-4B-Instruct": "Qwen3-VL",
    "Qwen/Qwen2.5-VL-3B-Instruct": "Qwen2.5-VL",
    "OpenGVLab/InternVL3-1B-hf": "InternVL",
    "llava-hf/llava-onevision-qwen2-0.5b-ov-hf": "LLaVA-OneVision",
    "HuggingFaceTB/SmolVLM2-2.2B-Instruct": "SmolVLM",
}
"""Hub name on the page to the small model that stands in for it."""
SERVER = "http://localhost:8000/v1"
NEEDS_A_GPU = ("vllm", "sglang")
"""Their engines start on no CPU; what is handed to them is tested in test_servers.py and tests/integrations."""


def examples(page: str) -> Iterator[tuple[str, str]]:
    """(heading, code) of each Python block that is about a selection."""
    heading = page
    parts = re.split(
        r"^(## [^\n]*|```python\n.*?^```)$", (REPOSITORY / page).read_text(encoding="utf-8"), flags=re.M | re.S
    )
    for part in parts:
        if part.startswith("## "):
            heading = part.removeprefix("## ")
        elif part.startswith("```python") and (page != "README.md" or "selection.to_" in part):
            yield heading, part.removeprefix("```python\n").removesuffix("```")


# some processors of transformers convert arrays in ways that numpy 2 deprecates
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array_wrap__ must:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

PAGES = ("docs/handoff.md", "README.md")
EXAMPLES = [
    pytest.param(code, id=f"{page}:{number}:{heading}")
    for page in PAGES
    for number, (heading, code) in enumerate(examples(page))
]


@pytest.fixture(scope="module")
def saved(consumer, tiny_model, tmp_path_factory) -> Callable[[str], Path]:
    """Directory of a small model and its processor, as ``save_pretrained`` writes them."""
    folder = tmp_path_factory.mktemp("models")

    def get(name: str) -> Path:
        if not (folder / name).exists():
            consumer(name).processor.save_pretrained(folder / name)
            tiny_model(name).save_pretrained(folder / name)
        return folder / name

    return get


class ChatServer(BaseHTTPRequestHandler):
    """Answers every chat completion with one that tells how many images and videos came, and their times."""

    requests: list[dict[str, Any]]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(request)
        message = {"role": "assistant", "content": "a reply"}
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(address, the requests that came)"""
    handler = type("Handler", (ChatServer,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1", handler.requests
        http.shutdown()
        thread.join()


def run(code: str, **names: Any) -> dict[str, Any]:
    """Run an example from a file in the current directory; its variables afterwards."""
    Path("example.py").write_text(code, encoding="utf-8")
    return runpy.run_path("example.py", init_globals=names)


def packages(code: str) -> set[str]:
    return set(re.findall(r"^(?:from|import) (\w+)", code, flags=re.M)) | (
        {"qwen_vl_utils"} if "to_qwen_vl_utils" in code else set()
    )


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_runs(code, scene, saved, server, tmp_path, monkeypatch, capsys):
    for package in sorted(packages(code)):
        if importlib.util.find_spec(package) is None or package in NEEDS_A_GPU:
            compile(code, "example", "exec")
            pytest.skip(f"{package} is not installed, or runs on a GPU alone")
    address, requests = server
    selection = scene("constant", words={2: "and so they signed"})
    monkeypatch.chdir(tmp_path)
    Path("talk.mp4").write_bytes(Path(selection.video).read_bytes())
    for name, model in NAMES.items():
        if f'"{name}"' in code and "base_url" not in code:
            code = code.replace(f'"{name}"', repr(str(saved(model))))

    namespace = run(code.replace(SERVER, address), selection=selection)

    assert namespace.get("reply") is None or len(requests) == 1
    assert ("print(" in code) == bool(capsys.readouterr().out)
    if "inputs" in namespace and "Qwen" in code:
        prompt = namespace["processor"].tokenizer.decode(namespace["inputs"]["input_ids"][0])
        assert re.findall(r"<(\d+\.\d) seconds>", prompt) == ["0.1", "0.4", "1.2", "1.9"]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("Qwen/")])
def test_the_images_example_runs_for_the_other_models_it_names(name, scene, saved, tmp_path, monkeypatch, capsys):
    page = (REPOSITORY / "docs/handoff.md").read_text(encoding="utf-8")
    (code,) = [code for _, code in examples("docs/handoff.md") if "to_chat_content" in code]
    assert f"`{name}`" in page

    monkeypatch.chdir(tmp_path)
    model = repr(str(saved(NAMES[name])))
    run(code.replace('"Qwen/Qwen2.5-VL-3B-Instruct"', model), selection=scene("constant"))

    assert capsys.readouterr().out


def test_every_export_has_an_example():
    from clamr_select import Selection

    page = "".join(code for _, code in examples("docs/handoff.md"))

    exports = [name for name in vars(Selection) if name.startswith(("to_", "vllm_")) and name != "to_dict"]
    assert [name for name in exports if f"selection.{name}(" not in page] == []
