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

GOLDEN = Path(__file__).parents[2] / "golden"
Change = Callable[[dict[str, torch.Tensor]], object]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """A golden folder (``adapter``, and ``base`` where it has its own) that may be changed."""

    def copy(name: str = "vl_4_51") -> Path:
        return Path(shutil.copytree(GOLDEN / name, tmp_path / name))

    return copy


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
