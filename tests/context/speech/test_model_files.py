"""A model's name says too little: what it stands for is part of what transcripts are kept under."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clamr_select.context.speech.model_files import model_digest


def test_one_byte_changes_a_directory_and_its_place_does_not(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
    one, other = (model_digest(str(tmp_path / name)) for name in ("one", "other"))
    weights = tmp_path / "one" / "model.safetensors"
    before = weights.stat()
    weights.write_bytes(b"Weights")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert one == other
    assert model_digest(str(tmp_path / "one")) != one


def test_a_renamed_file_changes_it(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    before = model_digest(str(tmp_path))
    (tmp_path / "model.bin").rename(tmp_path / "old.bin")

    assert model_digest(str(tmp_path)) != before


def test_a_hub_id_is_what_was_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    repository = tmp_path / "models--openai--whisper-tiny"
    assert model_digest("openai/whisper-tiny") is None

    (repository / "refs").mkdir(parents=True)
    for commit in ("a" * 40, "b" * 40):
        (repository / "snapshots" / commit).mkdir(parents=True)
        (repository / "snapshots" / commit / "config.json").write_text("{}")
        (repository / "refs" / "main").write_text(commit)
        assert model_digest("openai/whisper-tiny") == commit
