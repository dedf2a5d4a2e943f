"""Every video once, none lost, the broken ones set aside: with workers that die, runs that are killed, and on Ray."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clamr_select.errors import InputError, ModelNotFoundError, StoreError
from clamr_select.isolation.child import ChildProcess
from clamr_select.retrieval.corpus import VideoCorpus
from clamr_select.retrieval.files import VideoFile, index_file
from clamr_select.retrieval.ingest.journal import Journal
from clamr_select.retrieval.ingest.packing import pack_video, unpack_video
from clamr_select.retrieval.ingest.pool import index_with_processes
from clamr_select.retrieval.ingest.run import JOURNAL_NAME, ingest
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import Ended, VideoProcess
from clamr_select.retrieval.ingest.worker import Server
from clamr_select.retrieval.video_embeddings import VideoEmbeddings
from clamr_select.selector import FrameSelector
from clamr_select.store import content_digest

MakeVideos = Callable[..., list[Path]]


def files(paths: list[Path]) -> list[VideoFile]:
    return [VideoFile(str(path)) for path in paths]


def found(corpus: VideoCorpus) -> list[str]:
    return sorted(Path(video.path or "").name for video in corpus.videos())


def test_settings_and_videos_travel_as_bytes(
    settings: IngestSettings, selector: FrameSelector, make_videos: MakeVideos, tmp_path: Path
) -> None:
    assert IngestSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    (path,) = make_videos(tmp_path / "videos", 1)
    file = VideoFile(str(path), title="Ein Film", metadata={"year": 1999, "tags": ["a", "ü"]})
    video = index_file(file, encoder=selector.encoder, options=settings.options, max_tokens=5).embeddings
    again = unpack_video(pack_video(video))

    assert again.video_id == video.video_id
    assert again.metadata == {"title": "Ein Film", "year": 1999, "tags": ["a", "ü"]}
    assert again.num_tokens == video.num_tokens
    assert again.index_key == json.loads(json.dumps(video.index_key))
    assert again.vectors.keys() == video.vectors.keys()
    for name, tokens in video.vectors.items():
        np.testing.assert_array_equal(again.vectors[name], tokens)


@pytest.mark.slow
def test_videos_are_put_in_once_and_broken_ones_are_set_aside(
    library: VideoCorpus, settings: IngestSettings, make_videos: MakeVideos, tmp_path: Path
) -> None:
    folder = tmp_path / "videos"
    paths = make_videos(folder, 4, broken=2)
    shutil.copy(paths[0], folder / "copy.mp4")  # the same bytes under another name
    every = files([*paths, folder / "copy.mp4", folder / "broken0.mp4", folder / "broken1.mp4", folder / "gone.mp4"])
    told: list[str] = []
    report = ingest(library, every, settings=settings, num_workers=2, told=lambda one: told.append(one.file.path))

    assert (report.num_added, report.num_already) == (4, 1)
    assert len(library) == 4
    assert {Path(line.path).name for line in report.failed} == {"broken0.mp4", "broken1.mp4", "gone.mp4"}
    assert len(told) == 6
    named = [json.loads(line) for line in report.failed_file.read_text(encoding="utf-8").splitlines()]
    assert {row["error"].partition(":")[0] for row in named} == {"UnreadableVideoError", "VideoNotFoundError"}

    # each was encoded, and the journal tells how long it took; out of the store it tells nothing
    with Journal(library.folder / JOURNAL_NAME) as journal:
        assert all(line.seconds > 0 for line in journal.lines if line.video_id and "copy" not in line.path)
    again_stored = replace(settings, cache_dir=str(tmp_path / "store"))
    worker = VideoProcess(again_stored)
    assert worker.index(files(paths[:1])[0]).seconds > 0
    assert worker.index(files(paths[:1])[0]).seconds is None
    worker.close()

    # the same as without processes
    alone = index_file(
        VideoFile(str(paths[1])), encoder=library.selector.encoder, options=library.index_options, max_tokens=2000
    ).embeddings
    (hit,) = library.search(alone.vectors["video"], top_k=1).hits
    assert hit.video.video_id == alone.video_id
    assert hit.score == pytest.approx(len(alone.vectors["video"]) / len(alone.vectors["video"]), abs=2e-3)

    again = ingest(library, every, settings=settings, num_workers=2, told=lambda one: told.append(one.file.path))
    assert (again.num_added, len(again.failed), len(told)) == (0, 3, 6)  # nothing was started

    (folder / "broken0.mp4").write_bytes(make_videos(tmp_path / "more", 6)[5].read_bytes())  # mended
    mended = ingest(library, every, settings=settings)
    assert mended.num_added == 1
    assert len(mended.failed) == 2
    retried = ingest(library, every, settings=settings, retry_failed=True, told=lambda one: told.append(one.file.path))
    assert (retried.num_added, len(retried.failed), told[-1]) == (0, 2, str(folder / "broken1.mp4"))


@pytest.mark.parametrize("seconds", [0, -1, 3e6, float("inf"), float("nan")])
def test_a_time_that_no_worker_can_be_waited_for_is_refused(settings: IngestSettings, seconds: float) -> None:
    with pytest.raises(InputError, match="at most 2,000,000"):
        replace(settings, max_seconds=seconds)


@pytest.fixture
def quick_workers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Workers that make vectors of a file's bytes, and find no video in what starts with ``broken``; the paths they
    were given."""
    given: list[str] = []

    def index(self: VideoProcess, file: VideoFile) -> Ended:
        given.append(file.path)
        data = Path(file.path).read_bytes()
        if data.startswith(b"broken"):
            return Ended(file, None, "UnreadableVideoError: broken")
        tokens = np.random.default_rng(list(data)).normal(size=(3, 128)).astype(np.float32)
        tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
        return Ended(file, VideoEmbeddings(content_digest(file.path), {"video": tokens}, path=file.path))

    monkeypatch.setattr(VideoProcess, "index", index)
    return given


def written(folder: Path, **contents: str) -> list[VideoFile]:
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    return files([folder / name for name in contents])


def test_what_the_library_has_no_longer_is_indexed_again(
    library: VideoCorpus, settings: IngestSettings, quick_workers: list[str], tmp_path: Path
) -> None:
    every = written(tmp_path, a="1", b="2")
    ingest(library, every, settings=settings)
    library.delete([content_digest(tmp_path / "b")])

    report = ingest(library, every, settings=settings)

    assert (report.num_added, report.num_already, found(library)) == (1, 1, ["a", "b"])


def test_the_new_path_of_a_file_that_moved_is_noted_and_a_copy_changes_nothing(
    library: VideoCorpus, settings: IngestSettings, quick_workers: list[str], tmp_path: Path
) -> None:
    a, b, copy = (tmp_path / name for name in ("a", "b", "copy"))
    ingest(library, written(tmp_path, a="1", b="2"), settings=settings)
    shutil.copy(a, copy)
    assert ingest(library, files([a, b, copy]), settings=settings).num_moved == 0
    assert found(library) == ["a", "b"]

    a.rename(tmp_path / "c")
    report = ingest(library, files([b, tmp_path / "c", copy]), settings=settings)
    assert (report.num_added, report.num_already, report.num_moved) == (0, 3, 1)
    assert (found(library), len(quick_workers)) == (["b", "copy"], 2)  # of two that have its bytes the known one

    # back to a name that the journal knows
    copy.unlink()
    (tmp_path / "c").rename(a)
    report = ingest(library, files([a, b]), settings=settings)
    assert (report.num_added, report.num_already, report.num_moved) == (0, 2, 1)
    assert found(library) == ["a", "b"]

    # over another file, whose content is gone then
    a.rename(b)
    assert ingest(library, files([b]), settings=settings).num_moved == 1
    assert [video.video_id for video in library.videos()] == [content_digest(b)]
    assert (found(library), len(quick_workers)) == (["b"], 2)

    # add, without a run
    report = library.add([b.rename(tmp_path / "d")])
    assert (report.added, report.already, found(library)) == ([], [content_digest(tmp_path / "d")], ["d"])


@pytest.mark.parametrize("known", ["in one run", "in two"])
def test_a_copy_stays_when_the_first_of_its_bytes_is_edited(
    library: VideoCorpus, settings: IngestSettings, quick_workers: list[str], tmp_path: Path, known: str
) -> None:
    every = written(tmp_path, a="same", b="same", c="other")
    for some in (every,) if known == "in one run" else (every[:1], every):
        report = ingest(library, some, settings=settings)
    assert found(library) == ["a", "c"]
    assert report.num_added + report.num_already == 3
    (tmp_path / "a").write_text("edited", encoding="utf-8")

    report = ingest(library, every, settings=settings)

    assert found(library) == ["a", "b", "c"]
    assert (report.num_added, report.num_already) == (2, 1)
    assert ingest(library, every, settings=settings).num_already == 3


def test_a_copy_of_what_cannot_be_read_is_set_aside_too(
    library: VideoCorpus, settings: IngestSettings, quick_workers: list[str], tmp_path: Path
) -> None:
    every = written(tmp_path, a="broken", b="broken", c="whole")
    told, skipped = [], []
    report = ingest(library, every, settings=settings, told=told.append, skipped=skipped.append)

    assert (report.num_added, report.num_already) == (1, 0)
    assert [Path(line.path).name for line in report.failed] == ["a", "b"]
    assert "the same bytes" in report.failed[1].error
    assert len(told) + sum(skipped) == 3
    skipped.clear()
    assert ingest(library, every, settings=settings, told=told.append, skipped=skipped.append).num_already == 1
    assert (len(told), sum(skipped)) == (2, 3)


def test_a_file_that_changes_after_it_was_read_is_seen_to_be_another(
    library: VideoCorpus, settings: IngestSettings, quick_workers: list[str], tmp_path: Path
) -> None:
    every = written(tmp_path, a="1")
    ingest(library, every, settings=settings, told=lambda _: written(tmp_path, a="22"))

    assert ingest(library, every, settings=settings).num_added == 1
    assert [video.video_id for video in library.videos()] == [content_digest(tmp_path / "a")]


def test_a_store_that_cannot_be_used_ends_the_run_and_sets_nothing_aside(
    library: VideoCorpus, settings: IngestSettings, quick_workers: list[str], tmp_path: Path
) -> None:
    every = written(tmp_path, a="1")
    with pytest.raises(StoreError):
        ingest(library, every, settings=replace(settings, cache_dir=str(tmp_path / "a")))
    assert quick_workers == []
    assert ingest(library, every, settings=settings).num_added == 1


def test_a_name_that_is_no_unicode_is_an_error_of_that_file(
    settings: IngestSettings, make_videos: MakeVideos, tmp_path: Path
) -> None:
    """Linux takes such names, the library does not: one of them must not end a run."""
    (path,) = make_videos(tmp_path / "videos", 1)
    try:
        path = path.rename(path.with_name(os.fsdecode(b"\xff.mp4")))
    except OSError:
        pytest.skip("the file system takes Unicode names only")
    server = Server()
    server.answer({"settings": settings.to_dict()})
    answer, array = server.answer({"file": asdict(files([path])[0])})
    assert (answer["error"], array) == ("InputError", None)
    assert "rename the file" in answer["message"]


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


def test_files_are_taken_as_workers_can_take_them(settings: IngestSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def offered():
        for number in range(50):
            taken.append(number)
            yield VideoFile(f"{number}.mp4")

    monkeypatch.setattr(VideoProcess, "index", lambda self, file: file)
    results = index_with_processes(offered(), settings=settings, num_workers=2)
    for count in range(1, 11):
        next(results)
        assert len(taken) <= 4 + count
    results.close()
    with pytest.raises(InputError, match="at least 1, got 0"):
        next(index_with_processes([], settings=settings, num_workers=0))


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_ray_cluster_of_two_workers_gives_the_same_library(
    library: VideoCorpus, settings: IngestSettings, make_videos: MakeVideos, tmp_path: Path, selector: FrameSelector
) -> None:
    ray = pytest.importorskip("ray", reason="clamr-select[ray] is not installed")
    paths = make_videos(tmp_path / "videos", 5, broken=1)
    every = files([*paths, tmp_path / "videos" / "broken0.mp4"])
    ingest(library, every, settings=settings, num_workers=2)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        with VideoCorpus.open(tmp_path / "on-ray", selector=selector, index_options={"ocr": "off"}) as other:
            report = ingest(other, every, settings=settings, num_workers=2, ray_address="auto")
            assert (report.num_added, len(report.failed)) == (5, 1)
            assert {v.video_id: v.num_tokens for v in other.videos()} == {
                v.video_id: v.num_tokens for v in library.videos()
            }
            question = "a red square"
            ours = [(hit.video.video_id, round(hit.score, 4)) for hit in library.search(question).hits]
            assert [(hit.video.video_id, round(hit.score, 4)) for hit in other.search(question).hits] == ours
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_searches_while_videos_come_in(
    library: VideoCorpus, settings: IngestSettings, make_videos: MakeVideos, tmp_path: Path
) -> None:
    """Fifty at once: no error, and nobody sees half a video."""
    every = files(make_videos(tmp_path / "videos", 12))
    query = np.eye(4, library.schema.dim, dtype=np.float32)
    errors: list[BaseException] = []
    over = threading.Event()

    def search() -> None:
        try:
            while not over.is_set():
                for hit in library.search(query, top_k=20).hits:
                    assert hit.video.video_id
                    assert set(hit.scores_by_modality) <= set(hit.video.num_tokens)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test is to fail with it
            errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(50)]
    for thread in threads:
        thread.start()
    try:
        report = ingest(library, every, settings=settings, num_workers=1)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert report.num_added == len(library) == 12
