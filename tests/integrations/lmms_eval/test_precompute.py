"""Selecting for whole tasks before a run: in several processes, on a Ray cluster, and on from where it was stopped."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clamr_select.errors import InputError, MissingDependencyError
from clamr_select.integrations.lmms_eval.on_ray import precompute_on_ray
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.parts import part_of
from clamr_select.integrations.lmms_eval.precompute import Job, jobs_of, precompute
from clamr_select.integrations.lmms_eval.questions import TaskDocument, task_documents
from clamr_select.integrations.lmms_eval.tasks import registry

OPTIONS = SamplerOptions(model="clamr-nano", policy="topk", ocr="off", num_frames=4)
ARGUMENTS = ["clamr_model=clamr-nano", "clamr_policy=topk", "clamr_ocr=off", "clamr_num_frames=4"]
without_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install 'clamr-select[ray]'"
)


@pytest.fixture(scope="module")
def jobs(world: Path) -> list[Job]:
    return jobs_of(task_documents(["barcodes"], include_path=str(world / "tasks")), options=OPTIONS)


@pytest.fixture
def alone(jobs: list[Job], tmp_path: Path) -> list[dict[str, Any]]:
    """What one process selects."""
    file = precompute(jobs, options=OPTIONS, output=tmp_path / "alone.jsonl")
    assert file is not None
    return rows(file)


@pytest.fixture
def precompute_with(world: Path, tmp_path: Path) -> Callable[..., tuple[Path, str]]:
    """(file, what was said) of the command under a launcher, in processes of its own."""

    def run(*launcher: str, options: tuple[str, ...] = (), **variables: str) -> tuple[Path, str]:
        file = tmp_path / "selections.jsonl"
        command = [*launcher, "-m", "clamr_select.cli", "precompute", "--tasks", "barcodes"]
        command += ["--include_path", str(world / "tasks"), "--output", str(file), *options, *ARGUMENTS]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HOME": str(world / "hf"), **variables}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=600)
        assert done.returncode == 0, done.stderr[-4000:]
        return file, done.stdout + done.stderr

    return run


def rows(file: Path) -> list[dict[str, Any]]:
    """Its lines, without what the clock made."""
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for row in found:
        del row["selection"]["timings_seconds"]
    return found


def test_the_last_process_to_finish_joins_the_parts(
    jobs: list[Job], alone: list[dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "selections.jsonl"

    assert precompute(jobs, options=OPTIONS, output=output, rank=1, num_processes=2) is None
    assert [row["selection"]["video"] for row in rows(part_of(output, 1))] == [jobs[1].video] * 4
    assert not output.exists()
    assert precompute(jobs, options=OPTIONS, output=output, rank=0, num_processes=2) == output
    assert rows(output) == alone
    assert list(tmp_path.glob("selections.part*")) == []


def test_another_number_of_processes_goes_on(
    jobs: list[Job], alone: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is in the file, or in parts that another number of processes left, is not selected again."""
    from clamr_select.integrations.lmms_eval.selecting import ModelSource

    selected: list[str] = []
    select = ModelSource.select

    def watched(self: Any, wanted: Any) -> Any:
        selected.extend(one.doc_id for one in wanted)
        return select(self, wanted)

    monkeypatch.setattr(ModelSource, "select", watched)
    output = tmp_path / "selections.jsonl"
    lines = (tmp_path / "alone.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    # the third of four processes was killed while it wrote
    torn = "".join(lines[4:6]) + lines[6][:99]
    part_of(output, 2).write_bytes(torn.encode() + "é".encode()[:1])

    assert precompute(jobs, options=OPTIONS, output=output) == output
    assert selected == ["0", "1", "2", "3", "6", "7"]
    assert rows(output) == alone
    selected.clear()
    assert precompute(jobs, options=OPTIONS, output=output) == output
    assert (selected, rows(output)) == ([], alone)


def test_a_task_that_shows_pictures_gets_as_many_as_it_shows(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it is run: more would be refused there."""
    adapter = registry.adapter_of("barcodes")
    interleaved = registry.Interleaved(lambda doc, _: 3, lambda text, *_: text)
    monkeypatch.setitem(registry._registered, "barcodes", replace(adapter, interleaved=interleaved))
    jobs = jobs_of(task_documents(["barcodes"], include_path=str(world / "tasks"), limit=2), options=OPTIONS)

    assert [one.num_moments for job in jobs for one in job.wanted] == [3, 3]


SHOWN = """
def in_text(doc): return doc["video"]
def none(doc): return None
def with_a_picture(doc): return [doc["video"], "picture.png"]
def in_messages(doc): return [{"role": "user", "content": [{"type": "video", "url": doc["video"]}]}]
def in_part(doc): return [{"role": "user", "content": [{"type": "video", "url": doc["video"], "end_time": 9.0}]}]
"""


ShowTasks = Callable[..., list[TaskDocument]]


@pytest.fixture
def documents_of(world: Path, tmp_path: Path) -> ShowTasks:
    """Two documents each of tasks that are the barcodes but for a ``doc_to_…``, a function of ``SHOWN`` or none."""

    def read(**tasks: str) -> list[TaskDocument]:
        text = (world / "tasks" / "barcodes.yaml").read_text(encoding="utf-8")
        kept = [line for line in text.splitlines() if not line.startswith(("task:", "doc_to_visual:"))]
        for name, shown in tasks.items():
            (tmp_path / f"{name}.yaml").write_text("\n".join([*kept, f"task: {name}", shown]), encoding="utf-8")
        (tmp_path / "shown.py").write_text(SHOWN, encoding="utf-8")
        shutil.copy(world / "tasks" / "barcodes.jsonl", tmp_path)
        return list(task_documents(list(tasks), include_path=str(tmp_path), limit=2))

    return read


def test_videos_are_found_as_a_run_finds_them(documents_of: ShowTasks) -> None:
    tasks = {name: f"doc_to_visual: !function shown.{name}" for name in ("in_text", "none", "with_a_picture")}
    tasks |= {"in_messages": "doc_to_messages: !function shown.in_messages", "without": "doc_to_visual: null"}
    found: dict[str, list[str]] = {}
    for one in documents_of(**tasks):
        found.setdefault(one.task, []).extend(Path(video).name for video in one.videos)

    shown = ["barcode_0.mp4", "barcode_0.mp4"]
    assert found == {"in_text": shown, "none": [], "with_a_picture": shown, "in_messages": shown, "without": []}


def test_a_part_of_a_video_is_not_selected_for(documents_of: ShowTasks) -> None:
    with pytest.raises(InputError, match=r"in_part shows .*barcode_0\.mp4 from None to 9\.0 seconds"):
        documents_of(in_part="doc_to_messages: !function shown.in_part")


def test_the_number_of_frames_must_be_given() -> None:
    with pytest.raises(InputError, match="clamr_num_frames=N must be given"):
        jobs_of([], options=SamplerOptions(model="clamr-nano"))


def test_a_file_of_other_options_is_refused(jobs: list[Job], alone: list[dict[str, Any]], tmp_path: Path) -> None:
    other = SamplerOptions(model="clamr-nano", policy="uniform", ocr="off", num_frames=4)
    with pytest.raises(InputError, match=r"alone\.jsonl was made with other options; remove it, or choose another"):
        precompute(jobs, options=other, output=tmp_path / "alone.jsonl")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("my precious notes", "line 1, is none that precompute wrote; remove the file, or choose another"),
        ('{"task": "barcodes", "doc_id": 0}\n', "line 1, is none that precompute wrote"),
        ('{"task": "t", "doc_id": 0, "options": {}, "selection": null}\n', "line 1, is none that precompute wrote"),
        ("\n[]\n", "line 2, is none that precompute wrote"),
    ],
)
@pytest.mark.parametrize("place", ["notes.txt", "notes.part0.txt"])
def test_a_file_that_is_not_ours_stays(place: str, content: str, said: str, jobs: list[Job], tmp_path: Path) -> None:
    file = tmp_path / place
    file.write_text(content + ("\n" if "part" in place else ""), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        precompute(jobs, options=OPTIONS, output=tmp_path / "notes.txt")

    assert file.read_text(encoding="utf-8").startswith(content)
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_is_no_output(jobs: list[Job], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; --output names a file"):
        precompute(jobs, options=OPTIONS, output=tmp_path)


def test_a_name_with_brackets_finds_its_parts(jobs: list[Job], alone: list[dict[str, Any]], tmp_path: Path) -> None:
    """And no file of a name that is alike."""
    output, other = tmp_path / "run[1].jsonl", tmp_path / "run[1].partial.jsonl"
    other.write_text("another's", encoding="utf-8")
    for rank in range(2):
        precompute(jobs, options=OPTIONS, output=output, rank=rank, num_processes=2)

    assert rows(output) == alone
    assert sorted(tmp_path.glob("run*")) == [output, other]


def test_a_line_without_its_end_is_selected_again(jobs: list[Job], alone: list[dict[str, Any]], tmp_path: Path) -> None:
    """It is cut from its part before more is appended to that."""
    lines = (tmp_path / "alone.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    output = tmp_path / "selections.jsonl"
    part_of(output, 0).write_text("".join(lines[:2]).removesuffix("\n"), encoding="utf-8")

    assert precompute(jobs, options=OPTIONS, output=output) == output
    assert rows(output) == alone


@pytest.mark.slow
def test_two_processes(precompute_with: Callable[..., tuple[Path, str]], alone: list[dict[str, Any]]) -> None:
    port = str(20_000 + os.getpid() % 20_000)
    launcher = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", port)
    file, said = precompute_with(*launcher)

    assert rows(file) == alone
    # each had one of the two videos, and both are told how to go on
    assert said.count("video 1 of 1") == 2
    assert f"clamr_mode=cached,clamr_selections={file},clamr_rev=" in said


@pytest.mark.slow
def test_accelerate_starts_one_process_on_cpus_and_it_is_said(
    precompute_with: Callable[..., tuple[Path, str]], alone: list[dict[str, Any]]
) -> None:
    file, said = precompute_with(
        sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2",
    )  # fmt: skip

    assert rows(file) == alone
    assert "accelerate launch --cpu starts one process, however many were asked for" in said


@pytest.mark.slow
@without_ray
def test_a_ray_cluster_of_two_workers(
    precompute_with: Callable[..., tuple[Path, str]], alone: list[dict[str, Any]]
) -> None:
    file, said = precompute_with(
        sys.executable, options=("--ray", "--gpus-per-worker", "0", "--workers", "2"), RAY_AUTH_MODE="disabled"
    )

    assert rows(file) == alone
    assert "Started a local Ray instance" in said
    # nothing is left to select, so no cluster is started
    _, again = precompute_with(sys.executable, options=("--ray", "--gpus-per-worker", "0"))
    assert "Started a local Ray instance" not in again


def test_without_ray(jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[ray\]"):
        precompute_on_ray(jobs, options=OPTIONS, output=tmp_path / "f.jsonl", gpus_per_worker=0)
