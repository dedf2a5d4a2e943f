"""``clamr-select cache``, and the options that choose the cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clamr_select.cli import main
from clamr_select.store import Entry, Key, Store


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    store = Store(tmp_path / "mine")
    store.put(Key("embeddings", {"video": 1}), Entry({"words": "x" * 2_000_000}), label="talk \x1b[31m.mp4")
    store.put(Key("transcript", {"video": 1}), Entry({}), label="talk.mp4")
    return store


def test_list_shows_what_is_kept(filled, capsys):
    assert main(["cache", "list", "--cache-dir", str(filled.folder)]) == 0
    printed = capsys.readouterr().out

    assert "embeddings" in printed
    assert "1.9 MiB" in printed
    assert "transcript" in printed
    assert "2 entries" in printed
    assert "\x1b" not in printed
    assert main(["cache", "list", "--kind", "transcript", "--cache-dir", str(filled.folder)]) == 0
    assert "1 entries" in capsys.readouterr().out


def test_verify_says_what_is_damaged(filled, capsys):
    command = ["cache", "verify", "--cache-dir", str(filled.folder)]
    assert main(command) == 0
    assert "2 entries are whole, 0 damaged" in capsys.readouterr().out
    path = next(file.path for file, _ in filled.entries(kind="transcript"))
    path.write_bytes(path.read_bytes()[:-1])

    assert main(command) == 1
    printed = capsys.readouterr().out
    assert f"damaged: {path}" in printed
    assert "1 entries are whole, 1 damaged" in printed
    assert main(command) == 0


def test_clear_deletes(filled, capsys):
    assert main(["cache", "clear", "--kind", "transcript", "--cache-dir", str(filled.folder)]) == 0
    assert "deleted 1 files" in capsys.readouterr().out
    assert main(["cache", "clear", "--cache-dir", str(filled.folder)]) == 0
    assert list(filled.entries()) == []


def test_an_empty_cache_is_no_error(capsys):
    for action in ("list", "verify", "clear"):
        assert main(["cache", action]) == 0
    assert "0 entries" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options", [["clear", "--kind", "../.."], ["verify", "--kind", "embeddings"], ["list", "--cache-dir", "/dev/null"]]
)
def test_wrong_input_is_one_line(options, capsys):
    assert main(["cache", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_select_keeps_and_uses_the_cache_unless_told_not_to(color_video, tmp_path, capsys, monkeypatch):
    command = ["select", str(color_video), "green", "--ocr", "off", "--format", "json", "--num-frames", "2"]
    assert main([*command, "--no-cache"]) == 0
    assert list(Store().entries()) == []
    assert main([*command, "--cache-dir", str(tmp_path / "mine")]) == 0
    assert len(list(Store(tmp_path / "mine").entries())) == 1
    assert main(command) == 0
    assert len(list(Store().entries())) == 1
    capsys.readouterr()
    assert main(command) == 0
    assert "load" in json.loads(capsys.readouterr().out)["timings_seconds"]
    assert main([*command, "--no-cache", "--cache-dir", "mine"]) == 2
    assert "not both" in capsys.readouterr().err
