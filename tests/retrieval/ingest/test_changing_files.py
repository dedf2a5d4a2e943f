"""Files that move, are copied, edited or deleted between runs, and during one."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import InputError, StoreError, UnreadableVideoError, VideoNotFoundError
from clamr_select.retrieval import adding
from clamr_select.retrieval.corpus import VideoCorpus
from clamr_select.retrieval.files import IndexedFile, VideoFile
from clamr_select.retrieval.ingest.run import ingest
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.ingest.video_process import Ended, VideoProcess
from clamr_select.retrieval.ingest.worker import Server
from clamr_select.retrieval.video_embeddings import VideoEmbeddings
from clamr_select.store import content_digest

from .conftest import MakeVideos, files, found


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


def put_by(how: str, library: VideoCorpus, paths: list[Path], settings: IngestSettings) -> None:
    """``add`` with vectors of a file's bytes, or a run."""
    if how == "run":
        ingest(library, files(paths), settings=settings)
    else:
        library.add(paths)


@pytest.fixture
def quick_add(monkeypatch: pytest.MonkeyPatch, quick_workers: list[str], settings: IngestSettings) -> None:
    """``VideoCorpus.add`` indexes as the quick workers do."""

    def index(file: VideoFile, **_: object) -> IndexedFile:
        embeddings = VideoProcess(settings).index(file).embeddings
        assert embeddings is not None
        return IndexedFile(embeddings, (), 1, False)

    monkeypatch.setattr(adding, "index_file", index)


def contents(library: VideoCorpus) -> dict[str, str]:
    """File name to what the library has of it, of which all must be what lies there."""
    assert all(video.video_id == content_digest(video.path) for video in library.videos())
    return {Path(video.path).name: Path(video.path).read_text() for video in library.videos()}


@pytest.mark.parametrize("how", ["add", "run"])
@pytest.mark.usefixtures("quick_add")
def test_a_known_path_with_another_file_is_no_original(
    library: VideoCorpus, settings: IngestSettings, tmp_path: Path, how: str
) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    written(tmp_path, a="1", b="2")
    put_by(how, library, [a, b], settings)

    a.rename(c)  # as logs are rotated
    a.write_text("new", encoding="utf-8")
    put_by(how, library, [c, a, b], settings)
    assert contents(library) == {"a": "new", "b": "2", "c": "1"}

    for path, text in ((a, "2"), (b, "new")):  # they change places
        path.write_text(text, encoding="utf-8")
    put_by(how, library, [a, b, c], settings)
    assert contents(library) == {"a": "2", "b": "new", "c": "1"}

    shutil.copy(b, a)  # over another
    put_by(how, library, [a, b, c], settings)
    assert contents(library) == {"b": "new", "c": "1"}


@pytest.mark.usefixtures("quick_add")
def test_what_was_replaced_by_a_copy_is_told(library: VideoCorpus, tmp_path: Path) -> None:
    written(tmp_path, a="1", b="2")
    old, new = library.add([tmp_path / "a", tmp_path / "b"]).added
    shutil.copy(tmp_path / "b", tmp_path / "a")
    report = library.add([tmp_path / "a", tmp_path / "b"])
    assert (report.already, report.replaced) == ([new, new], [old])

    written(tmp_path, a="3", b="4")
    third, fourth = library.add([tmp_path / "a", tmp_path / "b"]).added
    written(tmp_path, a="4", b="3")
    report = library.add([tmp_path / "a", tmp_path / "b"])
    assert (report.already, report.added, report.replaced) == ([fourth], [third], [])  # none is gone


def test_a_new_copy_takes_the_place_of_what_it_was(
    library: VideoCorpus, settings: IngestSettings, quick_workers: list[str], tmp_path: Path
) -> None:
    ingest(library, written(tmp_path, c="1"), settings=settings)
    ingest(library, written(tmp_path, a="22", c="22"), settings=settings)
    assert contents(library) == {"a": "22"}


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
    assert (report.num_added, report.num_already, report.num_moved) == (1, 2, 1)  # the copy is the known one now
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


def test_what_is_no_file_is_an_error_of_ours(library: VideoCorpus, tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideoError, match="cannot be read: Is a directory"):
        library.add([tmp_path])
    with pytest.raises(VideoNotFoundError):
        library.add([tmp_path / "none.mp4"])
    with pytest.raises(InputError, match="a path cannot hold a zero character"):
        library.add(["a.mp4\0"])
    assert len(library) == 0
