"""Versions, extras, decoders and the text reader: right where all is well, and the one at fault is named."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement

from clamr_select.doctor import decoders, screen_text
from clamr_select.doctor.installation import (
    check_cache,
    check_extras,
    check_gpu,
    check_requirement,
    check_versions,
)
from clamr_select.doctor.report import Check, attempt, healthy
from clamr_select.errors import CheckpointError


def test_what_is_declared_is_looked_at():
    checks = {check.name: check for check in check_versions()}
    assert {"python", "torch", "transformers", "tokenizers", "av", "numpy", "accelerate"} <= set(checks)
    assert {check.status for check in checks.values()} == {"ok"}
    assert checks["torch"].message.startswith(version("torch"))
    assert "(needs >=" in checks["torch"].message


@pytest.mark.parametrize(
    ("requirement", "status", "said"),
    [
        ("numpy>=1.0", "ok", version("numpy")),
        ("numpy>=999", "failed", "pip install 'numpy>=999'"),
        ("no-such-package>=1", "failed", "not installed"),
    ],
)
def test_a_requirement(requirement, status, said):
    check = check_requirement(Requirement(requirement))
    assert check.status == status
    assert said in check.message


def test_extras_are_named_with_what_they_need():
    checks = {check.name: check for check in check_extras()}
    assert {"extra torchcodec", "extra train", "extra quantization", "extra demo"} <= set(checks)
    assert not {"extra dev", "extra all"} & set(checks)
    assert healthy(checks.values())
    for name, check in checks.items():
        assert check.status != "absent" or f"clamr-select[{name.removeprefix('extra ')}]" in check.message


def test_gpu_and_cache_are_there_or_said_not_to_be(tmp_path, monkeypatch):
    assert all(check.message for check in check_gpu())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "not" / "yet"))
    assert check_cache().status == "ok"
    assert str(tmp_path) in check_cache().message
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the superuser may write everywhere
    assert check_cache().status == "warning"


def test_decoders_return_the_right_frames():
    found = {check.name: check for check in decoders.check_decoders()}
    assert list(found) == ["decoder pyav", "decoder decord", "decoder torchcodec"]
    assert found["decoder pyav"].status == "ok"
    assert healthy(found.values())


def test_a_decoder_with_wrong_times_fails(tmp_path, monkeypatch):
    path = tmp_path / "late.mp4"
    with monkeypatch.context() as patch:
        late = tuple(time + 10 for time in decoders.TIMES_CENTISECONDS[1:])
        patch.setattr(decoders, "TIMES_CENTISECONDS", (0, *late))
        decoders.write_video(path)
    check = decoders.read_back(path, backend="pyav")
    assert check.status == "failed"
    assert "asked for frame 1 at 0.10 s" in check.message


def test_a_decoder_with_wrong_pictures_fails(tmp_path, monkeypatch):
    path = tmp_path / "dark.mp4"
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "GREY_STEP", 10)
        decoders.write_video(path)
    assert decoders.read_back(path, backend="pyav").status == "failed"


def test_decoders_that_are_not_there(tmp_path, monkeypatch):
    path = tmp_path / "greys.mp4"
    decoders.write_video(path)
    monkeypatch.setitem(sys.modules, "decord", None)
    assert decoders.read_back(path, backend="decord").status == "absent"
    try:
        import torchcodec
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"torchcodec does not import here: {error}")
    monkeypatch.setattr(torchcodec, "ffmpeg_major_version", None, raising=False)
    check = decoders.read_back(path, backend="torchcodec")
    assert check.status == "warning"
    assert "FFmpeg" in check.message


def test_the_text_reader(monkeypatch):
    assert screen_text.check_screen_text().status == "ok"
    draw = screen_text.draw
    monkeypatch.setattr(screen_text, "draw", lambda word: draw("GLACIER"))
    check = screen_text.check_screen_text()
    assert check.status == "failed"
    assert "GLACIER" in check.message


def test_our_errors_are_failures_and_others_propagate():
    def ours():
        raise CheckpointError("two\nlines")

    def other():
        raise ZeroDivisionError

    assert attempt("it", ours) == [Check("it", "failed", "two lines")]
    with pytest.raises(ZeroDivisionError):
        attempt("it", other)
