"""Every video once, none lost, the broken ones set aside: by processes, on Ray, and while others search."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.retrieval.corpus import VideoCorpus
from clamr_select.retrieval.files import VideoFile, index_file
from clamr_select.retrieval.ingest.journal import Journal
from clamr_select.retrieval.ingest.packing import pack_video, unpack_video
from clamr_select.retrieval.ingest.pool import index_with_processes
from clamr_select.retrieval.ingest.run import JOURNAL_NAME, ingest
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import VideoProcess
from clamr_select.selector import FrameSelector

from .conftest import MakeVideos, files


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
