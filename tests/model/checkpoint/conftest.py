"""Copies of the golden checkpoints, to be damaged; and a hub on the loopback interface."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import torch
from safetensors.torch import load_file, save_file

from clamr_select.model import ClamrForRetrieval
from clamr_select.model.encoder import ClamrEncoder

GOLDEN = Path(__file__).parents[2] / "golden"
Change = Callable[[dict[str, torch.Tensor]], object]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """A golden folder (``adapter``, and ``base`` where it has its own) that may be changed."""

    def copy(name: str = "vl_4_51") -> Path:
        return Path(shutil.copytree(GOLDEN / name, tmp_path / name))

    return copy


@pytest.fixture
def released_layout(encoder: ClamrEncoder, tmp_path: Path) -> tuple[Path, ClamrForRetrieval]:
    """The tiny model of this room's tests as an adapter on a base in the old layout, and the model itself in float32:
    wider than the golden ones, since 4-bit on a CPU works in blocks."""
    model = encoder.model
    tensors = {_released_name(name): value.clone() for name, value in model.state_dict().items()}
    projection = {name: tensors.pop(name) for name in list(tensors) if name.startswith("custom_text_proj.")}
    base, adapter = tmp_path / "wide" / "base", tmp_path / "wide" / "adapter"
    base.mkdir(parents=True)
    adapter.mkdir()
    generator = torch.Generator().manual_seed(3)
    stored = {f"base_model.model.{name}": value for name, value in projection.items()}
    merged = ClamrForRetrieval(model.config)
    merged.load_state_dict(model.state_dict())
    for name in [n for n in tensors if n.startswith("model.layers.") and n.endswith("_proj.weight")]:
        rows, columns = tensors[name].shape
        pair = [0.2 * torch.randn(*size, generator=generator) for size in ((4, columns), (rows, 4))]
        for part, value in zip("AB", pair, strict=True):
            stored[f"base_model.model.{name.removesuffix('weight')}lora_{part}.weight"] = value
        ours = merged.get_parameter(name.replace("model.layers", "vlm.language_model.layers"))
        ours.data += 2.0 * pair[1] @ pair[0]
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    save_file(stored, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
    model.config.vlm_config.save_pretrained(base)
    targets = r"model\.layers\..*_proj"
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": targets, "base_model_name_or_path": "b"}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    return tmp_path / "wide", merged.eval()


def _released_name(name: str) -> str:
    for ours, theirs in (("vlm.language_model.", "model."), ("vlm.", ""), ("embedding_proj_layer", "custom_text_proj")):
        name = name.replace(ours, theirs, 1) if name.startswith(ours) else name
    return name


@pytest.fixture
def change_tensors() -> Callable[[Path, Change], None]:
    """Rewrite a safetensors file with what a function makes of its tensors."""

    def change(path: Path, function: Change) -> None:
        tensors = load_file(path)
        function(tensors)
        save_file(tensors, path, metadata={"format": "pt"})

    return change


COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", COMMIT)
INFO = re.compile(r"^/api/models/(?P<repo>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?$")
TREE = re.compile(r"^/api/models/(?P<repo>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)$")
FILE = re.compile(r"^/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)$")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        for pattern, answer in ((INFO, self._info), (TREE, self._tree), (FILE, self._file)):
            match = pattern.match(path)
            if match:
                return self._in_repository(match, answer)
        return self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    def _in_repository(self, match: re.Match[str], answer: Any) -> None:
        folder = self.server.root / match["repo"]
        if not folder.is_dir():
            return self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        if (match["revision"] or "main") not in REVISIONS:
            return self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        return answer(folder, match)

    def _info(self, folder: Path, match: re.Match[str]) -> None:
        files = [{"rfilename": str(path.relative_to(folder))} for path in _files(folder)]
        self._json({"id": match["repo"], "modelId": match["repo"], "sha": COMMIT, "siblings": files, "private": False})

    def _tree(self, folder: Path, match: re.Match[str]) -> None:
        self._json(
            [
                {"type": "file", "path": str(path.relative_to(folder)), "size": path.stat().st_size, "oid": _etag(path)}
                for path in _files(folder)
            ]
        )

    def _file(self, folder: Path, match: re.Match[str]) -> None:
        path = folder / match["file"]
        if not path.is_file():
            return self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        return self._answer(200, path.read_bytes(), {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": COMMIT})

    def _json(self, data: Any) -> None:
        self._answer(200, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Hub:
    """A small hub on the loopback interface: what huggingface_hub asks of the real one, over a folder."""

    root: Path
    """``<owner>/<name>/`` in it are repositories."""
    address: str
    requests: list[str]
    """``GET /path``, as they come."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.root, server.requests = tmp_path_factory.mktemp("hub"), []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Hub(server.root, f"http://127.0.0.1:{server.server_port}", server.requests)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
