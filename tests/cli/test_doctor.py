"""``clamr-select doctor``: one line a check, 0 where nothing failed, 1 where something did; never the network."""

from __future__ import annotations

import json
import shutil
import socket

import pytest

from clamr_select.cli import main
from clamr_select.model.checkpoint.source import EMBEDDED_MODELS


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_a_healthy_machine(capsys):
    assert main(["doctor", "--json", "--device", "cpu"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert set(data) == {"schema_version", "model", "healthy", "checks"}
    assert (data["schema_version"], data["model"], data["healthy"]) == (1, "clamr-nano", True)
    assert all(set(check) == {"name", "status", "message"} for check in data["checks"])
    assert {check["status"] for check in data["checks"]} <= {"ok", "absent", "warning"}
    names = [check["name"] for check in data["checks"]]
    assert len(names) == len(set(names))
    assert {"python", "torch", "cache", "decoder pyav", "screen text", "checkpoint"} <= set(names)
    assert names[-1] == "expected embeddings"


def test_a_broken_checkpoint_is_one_failed_line_among_the_others(tmp_path, capsys):
    folder = shutil.copytree(EMBEDDED_MODELS["clamr-nano"], tmp_path / "nano")
    (folder / "model.safetensors").rename(folder / "model.bin")
    assert main(["doctor", str(folder), "--device", "cpu"]) == 1
    lines = capsys.readouterr().out.splitlines()
    (failed,) = [line for line in lines if line.startswith("FAILED")]
    assert "model.bin" in failed
    assert any(line.startswith("ok") and "decoder pyav" in line for line in lines)
    assert lines[-1] == f"1 of {len(lines) - 1} checks FAILED"


def test_expected_embeddings_are_written_where_the_model_is(tmp_path, capsys):
    folder = shutil.copytree(EMBEDDED_MODELS["clamr-nano"], tmp_path / "nano")
    kept = (folder / "expected_embeddings.json").read_text()
    (folder / "expected_embeddings.json").unlink()
    assert main(["doctor", str(folder), "--write-expected"]) == 0
    assert "expected_embeddings.json" in capsys.readouterr().out
    assert len((folder / "expected_embeddings.json").read_text().splitlines()) == len(kept.splitlines())
    assert main(["doctor", "someone/else", "--write-expected"]) == 2
    assert "give a directory" in capsys.readouterr().err
