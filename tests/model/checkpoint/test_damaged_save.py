"""Our own saves with a file cut or lost: an error that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from clamr_select.errors import CheckpointError
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.loading import EMBEDDED_MODELS, NANO


@pytest.fixture
def save(tmp_path) -> Path:
    return Path(shutil.copytree(EMBEDDED_MODELS[NANO], tmp_path / "save"))


def test_cut_weights(save):
    weights = save / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        ClamrEncoder.from_pretrained(str(save), device="cpu")


def test_a_tokenizer_that_is_no_json(save):
    (save / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match="tokenizer or processor"):
        ClamrEncoder.from_pretrained(str(save), device="cpu")


def test_a_lost_processor_config(save):
    (save / "processor_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"processor_config\.json"):
        ClamrEncoder.from_pretrained(str(save), device="cpu")
