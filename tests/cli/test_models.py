"""``clamr-select models``: what it lists, in words and in JSON, and what a directory holds."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import socket
from pathlib import Path

import pytest

from clamr_select.cli import main
from clamr_select.model.catalogue import CATALOGUE

GOLDEN = Path(__file__).parents[1] / "golden" / "omni_4_52"
PAGE = Path(__file__).parents[2] / "docs" / "models.md"
KEYS = {
    "name", "note", "backbone", "base", "modalities", "num_parameters", "download_gigabytes", "weight_bytes_bfloat16",
    "weight_bytes_4bit", "license", "base_license", "on_this_machine", "missing_repositories",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_json_lists_all_models(capsys):
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["schema_version"] == 1
    assert [model["name"] for model in listed["models"]] == [model.name for model in CATALOGUE]
    assert all(set(model) == KEYS for model in listed["models"])
    assert listed["models"][0]["on_this_machine"] is True
    assert [model["name"] for model in listed["models"] if "audio" in model["modalities"]] == [
        "meetdavidwan/clamr_msrvtt",
        "vidore/colqwen-omni-v0.1",
    ]


def test_the_list_says_licences_memory_and_what_is_missing(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    assert "Qwen Research License" in shown
    assert "7.5 GB in bfloat16, 2.9 GB in 4 bits" in shown
    assert "no, missing: meetdavidwan/clamr, Qwen/Qwen2.5-VL-3B-Instruct" in shown


@pytest.mark.usefixtures("omni")
def test_what_a_directory_holds(capsys):
    assert main(["models", str(GOLDEN / "adapter"), "--base", str(GOLDEN / "base"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "adapter"
    assert found["backbone"] == "qwen2_5_omni_thinker"
    assert found["base"] == str(GOLDEN / "base")
    assert "audio" in found["modalities"]
    assert found["num_tensors"] > 0


def test_the_embedded_model_is_told(capsys):
    assert main(["models", "clamr-nano"]) == 0
    assert "own" in capsys.readouterr().out


def test_what_is_no_model_is_one_line_and_status_2(capsys, tmp_path):
    assert main(["models", str(tmp_path)]) == 2
    assert "holds no model.safetensors" in capsys.readouterr().err


def test_the_page_says_what_the_catalogue_says():
    """Names, memory and downloads of docs/models.md."""
    rows = {row.split("`")[1]: row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| `")}
    assert list(rows) == [model.name for model in CATALOGUE]
    for model in CATALOGUE[1:]:
        half, four = (model.weight_bytes(quantization=bits) / 1e9 for bits in (None, "4bit"))
        assert f"| {half:.1f} / {four:.1f} GB | about {model.download_gigabytes:.0f} GB |" in rows[model.name]


@pytest.mark.filterwarnings("ignore:neither the adapter")
def test_the_page_s_example_for_use_without_the_network(tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (example,) = [code for code in blocks if "base=" in code]
    folder = shutil.copytree(GOLDEN.parent / "vl_4_51", tmp_path / "models")
    (folder / "adapter").rename(folder / "clamr")
    (folder / "base").rename(folder / "Qwen2.5-VL-3B-Instruct")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "example.py").write_text(example)
    runpy.run_path(str(tmp_path / "example.py"))
    assert "num_lora_pairs=15" in capsys.readouterr().out
