"""What shipped code may not do, read from its syntax trees; and every promise of SECURITY.md names tests that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_imports import MODULES, REPOSITORY

RUNS_WHAT_IT_READS = {"cloudpickle", "dill", "jsonpickle", "joblib", "marshal", "pickle", "pickletools", "shelve"}
"""Packages that can run code from a file, or write such files."""
NETWORK = {
    "aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "imaplib", "openai", "paramiko", "poplib", "qdrant_client",
    "requests", "smtplib", "socket", "socketserver", "ssl", "telnetlib", "urllib.request", "urllib3", "websocket",
    "websockets", "xmlrpc",
}  # fmt: skip
"""Packages and modules that open connections."""
CLIENTS = {
    "clamr_select.fetch.address": {"socket"},
    "clamr_select.fetch.connection": {"http", "socket", "ssl"},
    "clamr_select.fetch.fetcher": {"http"},
    "clamr_select.answer.openai_client": {"openai"},
    "clamr_select.demo.load_test": {"httpx"},  # asks a demo that it started itself
    "clamr_select.demo.process": {"httpx", "socket"},  # starts that one, and waits until it answers
    "clamr_select.integrations.openai": {"openai"},
    "clamr_select.training.queries.writers": {"openai"},
    "clamr_select.retrieval.client": {"qdrant_client"},  # a library on a server
    "clamr_select.model.checkpoint.source": {"huggingface_hub"},
    "clamr_select.context.speech.whisper_models": {"huggingface_hub"},  # which models lie in its cache
    "clamr_select.eval.retrieval.encoders.folders": {"huggingface_hub"},
    "clamr_select.doctor.installation": {"huggingface_hub"},  # where its cache lies
    "clamr_select.training.model_card": {"huggingface_hub"},  # the form of a card
}
"""The named list: the fetcher, and the clients of a server that the user names (a VLM) and of the hub."""


def broken_rules(source: str) -> Iterator[str]:
    """What a piece of code does that it may not, e.g. ``line 3: eval()``."""
    for node in ast.walk(ast.parse(source)):
        for name in _imported(node):
            if name.split(".")[0] in RUNS_WHAT_IT_READS:
                yield f"line {node.lineno}: imports {name}"  # type: ignore[attr-defined]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.removeprefix("builtins.") in ("eval", "exec", "compile", "__import__"):
                yield f"line {node.lineno}: {called}()"
            if called.endswith("torch.load") and not _is_given(node, "weights_only", True):
                yield f"line {node.lineno}: torch.load without weights_only=True"
            if re.fullmatch(r"(np|numpy)\.load", called) and any(k.arg == "allow_pickle" for k in node.keywords):
                yield f"line {node.lineno}: numpy.load with allow_pickle"
            if called == "yaml.load":
                yield f"line {node.lineno}: yaml.load"
            if any(_is_given(node, name, True) for name in ("trust_remote_code", "shell")):
                yield f"line {node.lineno}: trust_remote_code or shell"
        if isinstance(node, ast.ImportFrom) and node.module == "torch" and any(a.name == "load" for a in node.names):
            yield f"line {node.lineno}: torch.load under another name"


def network_imports(source: str) -> set[str]:
    """Which of ``NETWORK`` a piece of code imports."""
    names = {name for node in ast.walk(ast.parse(source)) for name in _imported(node)}
    return {known for known in NETWORK if any(name == known or name.startswith(f"{known}.") for name in names)}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
        return [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
    return []


def _is_given(call: ast.Call, name: str, value: object) -> bool:
    return any(k.arg == name and isinstance(k.value, ast.Constant) and k.value.value is value for k in call.keywords)


@pytest.mark.parametrize("module", MODULES)
def test_shipped_code_runs_nothing_that_it_reads(module: str) -> None:
    assert list(broken_rules(MODULES[module].read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", MODULES)
def test_only_named_modules_open_connections(module: str) -> None:
    assert network_imports(MODULES[module].read_text(encoding="utf-8")) <= CLIENTS.get(module, set())


def test_the_named_list_is_not_longer_than_it_must_be() -> None:
    for module, names in CLIENTS.items():
        assert network_imports(MODULES[module].read_text(encoding="utf-8")) == names


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import joblib",
        "import importlib\nimportlib.import_module('dill')",
        "eval('1')",
        "exec(code)",
        "compile(code, 'a', 'exec')",
        "import builtins\nbuiltins.eval('1')",
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "import torch\ntorch.load(path, weights_only=flag)",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "subprocess.run(command, shell=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_a_broken_rule_is_seen(source: str) -> None:
    assert len(list(broken_rules(source))) == 1


@pytest.mark.parametrize(
    "source",
    ["model.eval()", "torch.load(path, weights_only=True)", "np.load(path)", "re.compile('a')", "evaluate('1')"],
)
def test_what_is_allowed_is_not_reported(source: str) -> None:
    assert list(broken_rules(source)) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import requests", {"requests"}),
        ("from urllib.request import urlopen", {"urllib.request"}),
        ("from urllib import request", {"urllib.request"}),
        ("import urllib.parse", set()),
        ("import http.client", {"http"}),
        ("def f():\n    import socket", {"socket"}),
        ("from httpx import Client", {"httpx"}),
    ],
)
def test_a_connection_is_seen(source: str, found: set[str]) -> None:
    assert network_imports(source) == found


def test_every_promise_names_tests_that_exist() -> None:
    text = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| [A-D]\d", line)]
    assert len(rows) >= 20
    for row in rows:
        named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", row)
        assert named, f"no test is named: {row}"
        for file, test in named:
            path = Path(REPOSITORY, file)
            assert path.exists(), f"{file} does not exist: {row}"
            assert not test or re.search(rf"def {test}\b", path.read_text(encoding="utf-8")), f"{file}::{test}: {row}"
