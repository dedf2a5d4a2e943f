"""The page as it is built: safe to launch, and nothing to be had without gradio."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clamr_select.cli import demo, main
from clamr_select.demo import check_installed
from clamr_select.errors import MissingDependencyError


def test_without_gradio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: Any) -> Any:
        if name == "gradio":
            raise ImportError(name)
        return real(name, *given)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[demo\]"):
        check_installed()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--port", "0"], "--port"),
        (["--media-dir", "/nowhere"], "--media-dir"),
        (["--max-upload-mb", "0"], "--max-upload-mb"),
        (["--threads", "0"], "--threads"),
        (["--asr", "ears"], "unknown asr 'ears'"),
        (["--asr", "off", "--asr-model", "tiny"], "asr_model"),
        (["--vlm-model", "x"], "--vlm-model"),
        (["--vlm", "http://localhost/v1", "--api-key-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
    ],
)
def test_wrong_options_are_one_line(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


@pytest.mark.parametrize(
    ("host", "in_url", "warns"), [("::1", "[::1]", False), ("[::1]", "[::1]", False), ("0.0.0.0", "0.0.0.0", True)]
)
def test_the_address_is_one_of_a_url(
    host: str, in_url: str, warns: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launched: dict[str, Any] = {}
    monkeypatch.setenv("GRADIO_TEMP_DIR", "kept")
    monkeypatch.setattr(demo.signal, "signal", lambda *_: None)
    monkeypatch.setattr(demo, "build", lambda _: SimpleNamespace(launch=launched.update))
    assert main(["demo", "--host", host]) == 0
    told = capsys.readouterr()
    assert launched["server_name"] == in_url
    assert f"http://{in_url}:7860 " in told.out
    assert ("anybody who reaches" in told.err) is warns


# Gradio leaves event loops to the garbage collector, which warns of them in whatever test runs then: hence a process
LOOK_AT = """
import json, gradio
given = []
gradio.Blocks.launch = lambda self, **options: given.append({k: v for k, v in options.items() if k != "theme"})
from clamr_select.demo import build_demo
from clamr_select.errors import InputError
blocks = build_demo(examples=False)
blocks.launch()
blocks.launch(server_name="0.0.0.0", server_port=1234)
try:
    blocks.launch(share=True)
    refused = ""
except InputError as error:
    refused = str(error)
fns = [
    {name: getattr(fn, name) for name in ("queue", "concurrency_id", "concurrency_limit", "api_visibility", "api_name")}
    for fn in blocks.fns.values()
]
facts = {"delete_cache": blocks.delete_cache, "analytics": blocks.analytics_enabled, "waiting": blocks._queue.max_size}
print(json.dumps({"safe": given[0], "asked": given[1], "refused": refused, "fns": fns, **facts}))
"""


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """What ``build_demo`` made and what it gave to Gradio's own launch."""
    pytest.importorskip("gradio", reason="the demo needs gradio")
    environment = {**os.environ, "GRADIO_SHARE": "True", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", LOOK_AT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_launch_without_arguments_is_safe(built: dict[str, Any]) -> None:
    safe = built["safe"]

    assert safe["server_name"] == "127.0.0.1"
    assert safe["share"] is False
    assert safe["strict_cors"] is True
    assert safe["max_file_size"] == 500 * 1024 * 1024
    assert safe["allowed_paths"] == []
    assert safe["show_error"] is False
    assert safe["mcp_server"] is True
    assert built["delete_cache"] == [600, 3600]
    assert built["analytics"] is False
    assert built["waiting"] == 64


def test_what_is_asked_for_wins_but_never_a_share_link(built: dict[str, Any]) -> None:
    asked = built["asked"]

    assert (asked["server_name"], asked["server_port"], asked["share"]) == ("0.0.0.0", 1234, False)
    assert "no share=True" in built["refused"]


def test_all_work_of_the_model_waits_in_one_queue(built: dict[str, Any]) -> None:
    works = [fn for fn in built["fns"] if fn["queue"]]

    assert {(fn["concurrency_id"], fn["concurrency_limit"]) for fn in works} == {("model", 1)}
    assert {fn["api_name"] for fn in built["fns"] if fn["api_visibility"] == "public"} == {
        "select",
        "ask",
        "list_videos",
    }


def test_the_page_asks_nothing_of_other_sites() -> None:
    folder = Path(__file__).parents[2] / "demo" / "components"
    look = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())

    assert "://" not in look.replace("http://www.w3.org/2000/svg", "")
    assert "innerHTML" not in look
    assert "insertAdjacentHTML" not in look


@pytest.mark.slow
def test_the_examples_hold_what_their_questions_ask_for(tmp_path: Path) -> None:
    from clamr_select.demo.examples.toys import QUESTIONS, SECONDS_PER_SHOT, _shots, make_toys
    from clamr_select.video import open_video

    toys = make_toys(tmp_path)
    stamp = toys.video.stat().st_mtime_ns
    assert make_toys(tmp_path).video.stat().st_mtime_ns == stamp  # made once
    with open_video(toys.video) as reader:
        assert reader.info.duration_seconds == pytest.approx(len(_shots()) * SECONDS_PER_SHOT, abs=0.1)
    shots = _shots()
    boat = [
        n
        for n, (scene, _) in enumerate(shots)
        if [(s.kind, s.colour) for s in scene.shapes] == [("boat", "red"), ("fish", "blue")]
    ]
    keys = [n for n, (_, texts) in enumerate(shots) if ("caption", "Spare keys") in texts]
    stars = [
        n
        for n, (scene, _) in enumerate(shots)
        if [(s.kind, s.colour, s.count) for s in scene.shapes] == [("star", "yellow", 3)]
    ]
    assert [[number] for _, _, number in QUESTIONS] == [boat, keys, stars]
    for (_, _, number), (_, _, span) in zip(QUESTIONS, toys.questions, strict=True):
        assert span == (number * SECONDS_PER_SHOT, (number + 1) * SECONDS_PER_SHOT)
