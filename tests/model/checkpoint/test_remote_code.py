"""Code that lies in a checkpoint is never run, whatever is typed at a prompt."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2] / "golden" / "vl_4_51"
CODE = "import pathlib\npathlib.Path({marker!r}).write_text('ran')\n"


@pytest.fixture
def marker(tmp_path) -> Path:
    return tmp_path / "ran.txt"


def with_code(folder: Path, *, config: str, auto_class: str, marker: Path) -> None:
    """Make a config of this folder name a class in a file beside it."""
    path = folder / config
    stored = json.loads(path.read_text()) if path.exists() else {}
    names = {"AutoConfig": "evil.Made", "AutoTokenizer": ["evil.Made", None]}
    stored |= {"auto_map": {auto_class: names[auto_class]}}
    stored |= {"model_type": "evil"} if auto_class == "AutoConfig" else {"tokenizer_class": "Made"}
    path.write_text(json.dumps(stored))
    (folder / "evil.py").write_text(CODE.format(marker=str(marker)))


def load(adapter: Path, base: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with "y" for every question it may ask."""
    code = (
        "from clamr_select import FrameSelector\n"
        f"FrameSelector.from_pretrained({str(adapter)!r}, base={str(base)!r}, device='cpu')"
    )
    return subprocess.run([sys.executable, "-c", code], input="y\n" * 5, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("damaged", "config", "auto_class"),
    [("base", "config.json", "AutoConfig"), ("adapter", "tokenizer_config.json", "AutoTokenizer")],
)
def test_code_in_a_checkpoint_is_not_run_and_nobody_is_asked(tmp_path, marker, damaged, config, auto_class):
    for part in ("base", "adapter"):
        shutil.copytree(GOLDEN / part, tmp_path / part)
    with_code(tmp_path / damaged, config=config, auto_class=auto_class, marker=marker)

    done = load(tmp_path / "adapter", tmp_path / "base")

    assert done.returncode != 0
    assert "which is never run here" in done.stderr.splitlines()[-1]
    assert "[y/N]" not in done.stdout + done.stderr
    assert not marker.exists()
