"""Workers that die and runs that are killed or ended: every video once, none lost, none held."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clamr_select.errors import InputError, ModelNotFoundError
from clamr_select.isolation.child import ChildProcess
from clamr_select.retrieval.corpus import VideoCorpus
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.pool import index_with_processes
from clamr_select.retrieval.ingest.run import JOURNAL_NAME
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import VideoProcess
from clamr_select.selector import FrameSelector

from .conftest import MakeVideos, found


def test_a_worker_that_starts_while_the_run_ends_is_ended(
    settings: IngestSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, started = VideoProcess(settings), []

    class Starting(ChildProcess):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            process.close()  # before whoever starts it knows of it

    monkeypatch.setattr("clamr_select.retrieval.ingest.video_process.ChildProcess", Starting)
    with pytest.raises(InputError, match="while it loaded the model"):
        process.index(VideoFile("v.mp4"))
    assert started[0].is_closed
    assert started[0]._process.poll() is not None


@pytest.mark.slow
def test_ctrl_c_ends_workers_and_run_with_one_line(make_videos: MakeVideos, tmp_path: Path) -> None:
    folder, library = tmp_path / "videos", tmp_path / "library"
    make_videos(folder, 40)
    command = [sys.executable, "-m", "clamr_select.cli", "index", str(folder), "--library", str(library)]
    command += ["--threads", "1", "--ocr", "off", "--device", "cpu", "--cache-dir", str(tmp_path / "frames")]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # else ignored there too, if it is here
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 240
    while not _num_lines(library / JOURNAL_NAME) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers too
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_an_attempt(
    settings: IngestSettings, make_videos: MakeVideos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = make_videos(tmp_path / "videos", 1)
    process = VideoProcess(settings)
    real, killed = process._ready, []

    def ready_to_die():
        child = real()
        if not killed:
            os.kill(child._process.pid, signal.SIGKILL)
            killed.append(child)
        return child

    monkeypatch.setattr(process, "_ready", ready_to_die)
    try:
        ended = process.index(VideoFile(str(path)))
        assert ended.embeddings is not None
        assert ended.attempts == 2
        process.settings = replace(settings, max_attempts=1)
        killed.clear()
        ended = process.index(VideoFile(str(path)))
        assert ended.embeddings is None
        assert ended.error == "WorkerEnded: the process that indexed it was ended by SIGKILL"
    finally:
        process.close()


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_ends_the_run(settings: IngestSettings, tmp_path: Path) -> None:
    settings = replace(settings, model={"name_or_path": str(tmp_path / "no-model")})
    with pytest.raises(ModelNotFoundError):
        list(index_with_processes([VideoFile("v.mp4")], settings=settings, num_workers=1))


@pytest.mark.slow
def test_a_run_that_is_killed_twice_and_started_again_has_every_video_once(
    make_videos: MakeVideos, tmp_path: Path, selector: FrameSelector
) -> None:
    folder = tmp_path / "videos"
    make_videos(folder, 24, broken=2)
    command = [sys.executable, "-m", "clamr_select.cli", "index", str(folder), "--library", str(tmp_path / "library")]
    command += ["--workers", "2", "--threads", "1", "--ocr", "off", "--device", "cpu", "--format", "json"]
    journal = tmp_path / "library" / JOURNAL_NAME
    for wanted in (6, 14):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 240
        while _num_lines(journal) < wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate()
    finished = subprocess.run(command, capture_output=True, text=True, check=False)

    assert finished.returncode == 1, finished.stderr  # two are set aside
    summary = json.loads(finished.stdout)
    assert summary["num_videos"] == 24
    assert sorted(Path(row["path"]).name for row in summary["failed"]) == ["broken0.mp4", "broken1.mp4"]
    with VideoCorpus.open(tmp_path / "library", selector=selector) as corpus:
        assert found(corpus) == sorted(path.name for path in folder.glob("v*.mp4"))


def _num_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
