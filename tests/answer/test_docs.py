"""What docs/answer.md shows runs, code and commands, on a tiny model and a real server."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clamr_select.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "answer.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SELECTOR = 'from clamr_select import FrameSelector\nselector = FrameSelector.from_pretrained("clamr-nano")\n'
MODEL, ADDRESS = "Qwen/Qwen3-VL-4B-Instruct", "http://localhost:8000/v1"


def blocks(language: str, *, page: str = PAGE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch, color_video, subtitles):
    shutil.copy(color_video, tmp_path / "talk.mp4")
    shutil.copy(subtitles, tmp_path / "talk.srt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(tiny_vlm, server):
    return lambda text: text.replace(MODEL, str(tiny_vlm("qwen3_vl"))).replace(ADDRESS, server)


@pytest.mark.slow
def test_the_code_runs(folder, here):
    code = here("\n".join(blocks("python")))
    assert MODEL not in code
    assert ADDRESS not in code
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.slow
def test_the_code_of_the_readme_runs(folder, here):
    (code,) = [block for block in blocks("python", page=README) if "VideoQA(" in block]
    shown = "print(answer.text, answer.usage)\n"
    command = [sys.executable, "-c", here(SELECTOR + code + shown)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.slow
def test_the_commands_run(folder, here, capsys):
    lines = [shlex.split(line) for block in blocks("sh") for line in here(block).splitlines()]
    assert len(lines) == 4
    for program, *arguments in lines:
        assert program == "clamr-select"
        assert main([*arguments, "--ocr", "off"]) == 0
        assert "walrus" in capsys.readouterr().out
