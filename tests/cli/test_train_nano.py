"""``clamr-select train`` without a preset's name: the embedded model from nothing, resumed with its own vocabulary."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from clamr_select import FrameSelector
from clamr_select.cli import main, train_nano
from clamr_select.training.views import view_of


@pytest.mark.slow
def test_a_run_begins_resumes_and_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train_nano, "NUM_DOCUMENTS", 3)
    monkeypatch.setattr(train_nano, "TOKENIZER_BATCHES", 4)
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    line = ["train", "--num-steps", "2", "--save-every", "1", "--num-workers", "0", "--vocab-size", "1200"]
    assert main([*line, "--output", str(whole)]) == 0
    shutil.copytree(whole / "checkpoint-1", resumed / "checkpoint-1")
    # the text it would be trained on is gone: the vocabulary is the checkpoint's
    monkeypatch.setattr(train_nano, "TOKENIZER_BATCHES", 0)
    assert main([*line, "--output", str(resumed)]) == 0
    ours, theirs = (load_file(run / "model" / "model.safetensors") for run in (whole, resumed))
    assert all(ours[name].equal(theirs[name]) for name in ours)
    selector = FrameSelector.from_pretrained(whole / "model", device="cpu")
    assert len(selector.encoder.processor.tokenizer) == 1200
    assert "needle, training split" in (whole / "model" / "README.md").read_text(encoding="utf-8")
    assert main([*line[:-1], "900", "--output", str(resumed)]) == 2
    assert "vocabulary of 1200" in capsys.readouterr().err


@pytest.mark.parametrize("system", ["ocr", "video", "clamr"])
def test_every_validation_batch_asks_what_a_system_is_trained_on(system: str) -> None:
    """Some batches hold pictures alone, which one who reads has nothing to be asked about."""
    view = view_of(system)
    batches = train_nano.validation_batches(view)
    assert len(batches) == train_nano.NUM_VALIDATION_BATCHES
    for batch in batches:
        assert any(view.trains_on(query.target) for query in batch.queries)


def test_weights_to_start_from_bring_their_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_nano, "NUM_DOCUMENTS", 3)
    line = ["train", "--model", "clamr-nano", "--num-steps", "1", "--num-workers", "0", "--learning-rate", "1e-9"]
    assert main([*line, "--output", str(tmp_path / "run"), "--seed", "7", "--bf16"]) == 0
    shipped = FrameSelector.from_pretrained("clamr-nano", device="cpu").encoder
    trained = FrameSelector.from_pretrained(tmp_path / "run" / "model", device="cpu").encoder
    assert trained.processor.tokenizer.get_vocab() == shipped.processor.tokenizer.get_vocab()
    for (name, ours), theirs in zip(trained.model.named_parameters(), shipped.model.parameters(), strict=True):
        assert ours.sub(theirs).abs().max() < 1e-3, name  # one step hardly wide enough to see, and not from nothing


def test_weights_to_start_from_can_take_another_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_nano, "NUM_DOCUMENTS", 3)
    monkeypatch.setattr(train_nano, "TOKENIZER_BATCHES", 4)
    line = ["train", "--model", "clamr-nano", "--num-workers", "0", "--learning-rate", "1e-9", "--vocab-size", "1200"]
    assert main([*line, "--num-steps", "1", "--output", str(tmp_path / "run")]) == 0
    # the text of the vocabulary is gone: it is the checkpoint's
    monkeypatch.setattr(train_nano, "TOKENIZER_BATCHES", 0)
    assert main([*line, "--num-steps", "2", "--output", str(tmp_path / "run")]) == 0
    shipped = FrameSelector.from_pretrained("clamr-nano", device="cpu").encoder
    trained = FrameSelector.from_pretrained(tmp_path / "run" / "model", device="cpu").encoder
    ours, theirs = (encoder.processor.tokenizer.get_vocab() for encoder in (trained, shipped))
    assert len(ours) == 1200
    assert all(len(piece) <= train_nano.MAX_PIECE_CHARACTERS or piece[0] == "<" for piece in ours)
    table, old = (encoder.model.get_input_embeddings().weight for encoder in (trained, shipped))
    shared = sorted(ours.keys() & theirs.keys())
    assert len(shared) > 400
    assert table[[ours[piece] for piece in shared]].sub(old[[theirs[piece] for piece in shared]]).abs().max() < 1e-3
