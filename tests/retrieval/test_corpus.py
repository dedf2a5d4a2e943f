"""A corpus over its life: put in, replaced, deleted, moved, opened again, refused where it does not fit."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from clamr_select.errors import (
    ClamrSelectError,
    CorpusBusyError,
    CorpusChangedError,
    CorpusError,
    CorpusMismatchError,
    CorpusNotFoundError,
    CorpusServerError,
    DamagedCorpusError,
    InputError,
)
from clamr_select.retrieval import CorpusOptions, Schema, ServerOptions, VideoCorpus, VideoEmbeddings
from clamr_select.retrieval.engine import Point
from clamr_select.retrieval.record import from_bytes, to_bytes

from .conftest import DIM, MODALITIES, made_videos, unit

QUERY = unit(np.random.default_rng(1), 7)


def found_ids(corpus, **options):
    return [hit.video.video_id for hit in corpus.search(QUERY, **options).hits]


def test_what_is_there_is_left_alone_by_add_and_replaced_by_update(open_corpus):
    first, second = made_videos(2)
    changed = VideoEmbeddings(first.video_id, second.vectors, metadata={"title": "New"}, path=first.path)
    corpus = open_corpus()
    assert corpus.add([first, second]).added == ["v0", "v1"]

    report = corpus.add([changed])
    assert (report.added, report.already) == ([], ["v0"])
    assert corpus.get("v0").metadata["title"] == "Video 0"
    assert corpus.update([changed]).added == ["v0"]
    assert corpus.get("v0").metadata == {"title": "New"}
    assert len(corpus) == 2
    hits = corpus.search(QUERY).hits
    assert hits[0].scores_by_modality == pytest.approx(hits[1].scores_by_modality)


def test_another_content_at_the_same_path_replaces_the_old(open_corpus):
    first, second = made_videos(2)
    corpus = open_corpus()
    corpus.add([first])

    report = corpus.add([VideoEmbeddings("newer", second.vectors, path=first.path)])

    assert report.replaced == ["v0"]
    assert [video.video_id for video in corpus.videos()] == ["newer"]

    # in one call too
    more = [VideoEmbeddings(name, second.vectors, path=first.path) for name in ("newest", "last")]
    assert corpus.put(more) == ["newer"]
    assert [video.video_id for video in corpus.videos()] == ["last"]


def test_delete(open_corpus):
    corpus = open_corpus()
    corpus.add(made_videos(5))
    with pytest.raises(CorpusNotFoundError, match="v9"):
        corpus.delete(["v1", "v9"])
    assert len(corpus) == 5

    corpus.delete(["v1", "v3"])

    assert sorted(found_ids(corpus)) == ["v0", "v2", "v4"]
    assert "v1" not in corpus
    with pytest.raises(CorpusNotFoundError, match="v1"):
        corpus.get("v1")


def test_metadata_changes_without_the_vectors(open_corpus):
    corpus = open_corpus()
    corpus.add(made_videos(3))
    before = found_ids(corpus)

    corpus.set_metadata("v1", metadata={"room": "B", "open": True})

    assert found_ids(corpus) == before
    assert found_ids(corpus, filters={"room": "B", "open": True}) == ["v1"]
    assert found_ids(corpus, filters={"title": "Video 1"}) == []
    with pytest.raises(InputError, match="without dots"):
        corpus.set_metadata("v1", metadata={"a.b": 1})
    for value in (float("nan"), "half a pair \ud83d", 2**64, [{"n": -(2**63) - 1}], {1, 2}):
        with pytest.raises(InputError, match="must be JSON"):
            corpus.set_metadata("v1", metadata={"a": value})
    with pytest.raises(InputError, match="'video_id' is known of every video"):
        corpus.set_metadata("v1", metadata={"video_id": "dQw4"})
    whole = {"most": 2**64 - 1, "least": -(2**63), "text": "\U0001f600"}
    corpus.set_metadata("v1", metadata=whole)
    assert corpus.get("v1").metadata == whole


def test_a_path_changes_and_what_lay_there_is_gone(open_corpus):
    corpus = open_corpus()
    corpus.add(made_videos(3))
    before = corpus.get("v1")

    assert corpus.set_path("v1", path="/moved.mp4") == []
    assert corpus.get("v1") == replace(before, path="/moved.mp4")
    assert found_ids(corpus, filters={"path": "/moved.mp4"}) == ["v1"]
    assert corpus.set_path("v1", path="/videos/2.mp4") == ["v2"]
    assert corpus.paths(["v0", "v1", "v2"]) == {"v0": "/videos/0.mp4", "v1": "/videos/2.mp4"}
    with pytest.raises(CorpusNotFoundError, match="v9"):
        corpus.set_path("v9", path="/a.mp4")


def test_export_and_import_carry_everything_to_another_deployment(open_corpus, tmp_path, schema):
    videos = made_videos(20)
    corpus = open_corpus()
    corpus.add(videos)
    assert corpus.export(tmp_path / "all.zip") == 20
    with pytest.raises(InputError, match="there already"):
        corpus.export(tmp_path / "all.zip")
    with pytest.raises(InputError, match="no folder"):
        corpus.export(tmp_path / "nowhere" / "all.zip")

    other = open_corpus("other")
    assert other.import_(tmp_path / "all.zip") == 20
    with VideoCorpus.open(tmp_path / "embedded-one", schema=schema) as embedded:
        embedded.import_(tmp_path / "all.zip")
        assert sorted(embedded.videos(), key=str) == sorted(corpus.videos(), key=str)
        for mode in ("exact", "two_stage"):
            assert found_ids(other, mode=mode) == found_ids(corpus, mode=mode) == found_ids(embedded, mode=mode)


@pytest.mark.parametrize("damage", ["cut", "not a zip", "a video", "no manifest"])
def test_a_damaged_export_is_refused(tmp_path, schema, damage):
    path = tmp_path / "all.zip"
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        corpus.add(made_videos(3))
        corpus.export(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "not a zip":
        path.write_bytes(b"something else")
    else:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in parts.items():
                if damage == "a video" and name.startswith("videos/"):
                    data = data[:-5]
                if damage != "no manifest" or name.startswith("videos/"):
                    archive.writestr(name, data)

    with VideoCorpus.open(tmp_path / "new", schema=schema) as corpus, pytest.raises(DamagedCorpusError):
        corpus.import_(path)


@pytest.mark.parametrize(
    ("payload", "vectors", "id"),
    [
        ({"video_id": "another"}, {}, None),
        ({"revision": None}, {}, None),
        ({"num_tokens": {"asr": 99}}, {}, None),
        ({"metadata": []}, {}, None),
        ({}, {"asr": np.full((2, DIM), np.nan)}, None),
        ({}, {"asr": np.ones((2, DIM + 1))}, None),
        ({}, {"asr": np.ones(DIM)}, None),
        ({}, {}, "no-uuid"),
    ],
)
def test_a_video_that_no_search_could_read_is_not_taken_in(tmp_path, schema, payload, vectors, id):
    """It would be an error of every search that meets it."""
    path = tmp_path / "all.zip"
    tokens = {"asr": unit(np.random.default_rng(0), 2)}
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        corpus.put([VideoEmbeddings("v", tokens)])
        corpus.export(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (name for name in parts if name.startswith("videos/"))
    point = from_bytes(parts[name], what=name)
    changed = Point(id or point.id, {**point.payload, **payload}, {**point.vectors, **vectors})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", parts["manifest.json"])
        archive.writestr(name, to_bytes(changed))

    with VideoCorpus.open(tmp_path / "new", schema=schema) as corpus:
        with pytest.raises(DamagedCorpusError):
            corpus.import_(path)
        assert len(corpus) == 0


def test_an_import_waits_for_searches(tmp_path, schema):
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        corpus.add(made_videos(3))
        corpus.export(tmp_path / "all.zip")
    with VideoCorpus.open(tmp_path / "new", schema=schema) as corpus:
        importing = threading.Thread(target=corpus.import_, args=[tmp_path / "all.zip"])
        with corpus._shared.look():
            importing.start()
            importing.join(timeout=0.5)
            assert len(corpus) == 0
        importing.join()
        assert len(corpus) == 3


def test_which_of_some_ids_are_there(open_corpus):
    corpus = open_corpus()
    corpus.put(made_videos(300))
    asked = [f"v{number}" for number in range(290, 310)] + ["v5"]
    assert corpus.held(asked) == {f"v{number}" for number in range(290, 300)} | {"v5"}
    assert corpus.held([]) == set()


@pytest.mark.parametrize(
    ("file", "when"),
    [
        ("vector_storage-joint/deleted/status.dat", "opened"),
        ("vector_storage-joint/offsets/chunk_0.mmap", "searched"),
    ],
)
def test_files_of_the_engine_that_are_cut_are_an_error_of_ours(tmp_path, schema, file, when):
    """The engine panics at some of them, which Python sees as no ``Exception``."""
    folder = tmp_path / "library"
    with VideoCorpus.open(folder, schema=schema) as corpus:
        corpus.put(made_videos(5))
    (damaged,) = folder.rglob(file)
    os.truncate(damaged, 0)

    if when == "opened":
        with pytest.raises(DamagedCorpusError, match="make the library anew"):
            VideoCorpus.open(folder)
    else:
        with pytest.raises(CorpusError, match="make the library anew"), VideoCorpus.open(folder) as corpus:
            corpus.search(QUERY)
    shutil.rmtree(folder)
    VideoCorpus.open(folder, schema=schema).close()  # it was let go


def test_a_place_that_cannot_be_a_library_is_said(tmp_path, schema):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(CorpusError, match="name another folder"):
        VideoCorpus.open(tmp_path / "file" / "library", schema=schema)


def test_an_export_of_other_vectors_is_refused(tmp_path, schema):
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        corpus.export(tmp_path / "all.zip")
    other = Schema(("video",), DIM, CorpusOptions(max_tokens=50))
    with VideoCorpus.open(tmp_path / "new", schema=other) as corpus, pytest.raises(CorpusMismatchError, match="video"):
        corpus.import_(tmp_path / "all.zip")


def test_a_corpus_is_there_when_it_is_opened_again(open_corpus):
    corpus = open_corpus()
    corpus.add(made_videos(10))
    before = found_ids(corpus)
    corpus.close()

    again = open_corpus(schema=None, must_exist=True)

    assert found_ids(again) == before
    assert again.schema == corpus.schema


def test_a_corpus_that_was_closed_says_so(open_corpus):
    corpus = open_corpus()
    corpus.add(made_videos(2))
    corpus.close()
    corpus.close()
    for use in (lambda: corpus.search(QUERY), lambda: corpus.add(made_videos(3)), lambda: len(corpus)):
        with pytest.raises(CorpusError, match="was closed; open it again"):
            use()


def test_what_does_not_fit_a_corpus_is_refused(open_corpus):
    corpus = open_corpus()
    rng = np.random.default_rng(0)
    for vectors, said in (
        ({"smell": unit(rng, 3)}, "smell"),
        ({"asr": unit(rng, 3, dim=8)}, "8 numbers a token"),
        ({"asr": unit(rng, 51)}, "bounded_embeddings"),
    ):
        with pytest.raises(InputError, match=said):
            corpus.add([VideoEmbeddings("v", vectors)])
    assert len(corpus) == 0
    with pytest.raises(InputError, match="put it in a list"):
        corpus.add("talk.mp4")
    with pytest.raises(InputError, match="without a selector"):
        corpus.add(["talk.mp4"])


def test_a_name_that_is_no_unicode_is_refused():
    """File systems hold such names; the engine's texts do not."""
    tokens = {"asr": unit(np.random.default_rng(0), 1)}
    with pytest.raises(InputError, match="rename the file"):
        VideoEmbeddings("v", tokens, path=os.fsdecode(b"/videos/\xff.mp4"))
    with pytest.raises(InputError, match="rename the file"):
        VideoEmbeddings("\ud800", tokens)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [({}, "no token"), ({"asr": np.ones((2, DIM))}, "of length 1"), ({"asr": np.full((1, DIM), np.nan)}, "finite")],
)
def test_wrong_vectors(vectors, said):
    with pytest.raises(InputError, match=said):
        VideoEmbeddings("v", vectors)


def test_a_corpus_that_is_not_there(tmp_path, loopback):
    with pytest.raises(CorpusNotFoundError, match="index videos into it first"):
        VideoCorpus.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(CorpusNotFoundError, match="never-made"):
        VideoCorpus.open(loopback.url, server=ServerOptions(collection="never-made"))


def test_a_server_that_does_not_answer(schema):
    with pytest.raises(CorpusServerError, match=r"http://127\.0\.0\.1:1 \(clamr-select\).*does a Qdrant server"):
        VideoCorpus.open("http://127.0.0.1:1", schema=schema)


def test_a_collection_of_somebody_else_is_refused(loopback, schema, tmp_path):
    options = ServerOptions(collection=tmp_path.name)
    VideoCorpus.open(loopback.url, schema=schema, server=options).close()
    loopback.collections[tmp_path.name].metadata = None

    with pytest.raises(CorpusNotFoundError, match="no library of this package"):
        VideoCorpus.open(loopback.url, schema=schema, server=options)


def test_another_schema_or_deployment_is_refused(tmp_path, schema):
    VideoCorpus.open(tmp_path / "library", schema=schema).close()
    other = Schema(MODALITIES, DIM, CorpusOptions(max_tokens=40))
    with pytest.raises(CorpusMismatchError, match="max_tokens"):
        VideoCorpus.open(tmp_path / "library", schema=other)
    with pytest.raises(CorpusMismatchError, match="was made as 'embedded'"):
        VideoCorpus.open(tmp_path / "library", schema=schema, deployment="local")
    with pytest.raises(InputError, match="is for a folder"):
        VideoCorpus.open("http://127.0.0.1:1", schema=schema, deployment="local")
    with pytest.raises(InputError, match="for a URL"):
        VideoCorpus.open(tmp_path / "library", schema=schema, server=ServerOptions())


def test_another_version_of_the_schema_is_refused(tmp_path, schema):
    VideoCorpus.open(tmp_path / "library", schema=schema).close()
    path = tmp_path / "library" / "corpus.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "schema_version": 99}))
    with pytest.raises(CorpusMismatchError, match="version 99"):
        VideoCorpus.open(tmp_path / "library")
    path.write_text("{")
    with pytest.raises(DamagedCorpusError, match=r"corpus\.json"):
        VideoCorpus.open(tmp_path / "library")


def test_a_folder_of_something_else_is_left_alone(tmp_path, schema):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="not an empty folder"):
        VideoCorpus.open(tmp_path, schema=schema)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_library_that_was_ended_while_it_was_made_is_made(tmp_path, schema):
    (tmp_path / "corpus.lock").touch()
    (tmp_path / ".corpus.json.1f.tmp").write_text("{")
    with VideoCorpus.open(tmp_path, schema=schema) as corpus:
        assert len(corpus) == 0


@pytest.mark.parametrize("storage", ["float32", "turbo8"])
def test_an_export_fits_other_storage(tmp_path, schema, storage):
    kept = replace(schema, options=replace(schema.options, storage=storage))
    with VideoCorpus.open(tmp_path / "library", schema=kept) as corpus:
        corpus.add(made_videos(5))
        corpus.export(tmp_path / "all.zip")
        before = {hit.video.video_id: hit.score for hit in corpus.search(QUERY).hits}
    smaller = replace(schema, options=replace(schema.options, storage="float16"))
    with VideoCorpus.open(tmp_path / "other", schema=smaller) as corpus:
        corpus.import_(tmp_path / "all.zip")
        assert {hit.video.video_id: hit.score for hit in corpus.search(QUERY).hits} == pytest.approx(before, abs=5e-3)


def test_another_process_that_holds_it_is_named(tmp_path, schema):
    with VideoCorpus.open(tmp_path / "library", schema=schema):
        code = f"from clamr_select.retrieval import VideoCorpus; VideoCorpus.open({str(tmp_path / 'library')!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "CorpusBusyError" in done.stderr
        assert "is in use by process" in done.stderr
        with pytest.raises(CorpusBusyError, match="in use by process"):
            VideoCorpus.open(tmp_path / "library")
    VideoCorpus.open(tmp_path / "library").close()


def test_options_out_of_range():
    with pytest.raises(InputError, match="choose from"):
        CorpusOptions(storage="float8")
    with pytest.raises(InputError, match="at least 1"):
        CorpusOptions(max_tokens=0)
    with pytest.raises(InputError, match="no quotes"):
        CorpusOptions(filterable={'a"b': "keyword"})
    with pytest.raises(InputError, match="at most 2047"):
        Schema(MODALITIES, 128, CorpusOptions(max_tokens=2048))
    with pytest.raises(InputError, match="may not be called joint"):
        Schema(("joint",), 128, CorpusOptions())
    with pytest.raises(InputError, match="num_shards"):
        ServerOptions(num_shards=0)


def test_a_request_stays_below_what_a_server_takes(loopback, tmp_path):
    """The largest video there can be, twice."""
    schema = Schema(MODALITIES, 128, CorpusOptions(max_tokens=2000))
    rng = np.random.default_rng(0)
    loopback.largest_body = 0
    options = ServerOptions(collection=tmp_path.name)
    with VideoCorpus.open(loopback.url, schema=schema, server=options) as corpus:
        corpus.add(VideoEmbeddings(f"v{n}", {m: unit(rng, 2000, dim=128) for m in MODALITIES}) for n in range(2))
        assert len(corpus) == 2

    assert loopback.largest_body < 32 * 2**20


def test_fifty_threads_search_while_videos_come_and_go(open_corpus, request):
    """No error, and no torn result: of each video all modalities are always of one writing.

    The two writings of a video answer the question in opposite ways, so scores that mix them are seen."""
    axes, num_videos = np.eye(DIM, dtype=np.float32), 8

    def writing(number: int, sign: float) -> VideoEmbeddings:
        return VideoEmbeddings(
            f"v{number}", {name: sign * axes[:1] for name in MODALITIES}, metadata={"sign": int(sign)}
        )

    corpus = open_corpus()
    corpus.add(writing(number, 1.0) for number in range(num_videos))
    stop, wrong, count = threading.Event(), [], 0

    def look() -> None:
        nonlocal count
        while not stop.is_set():
            try:
                hits = corpus.search(axes[:1], top_k=num_videos, mode="exact", similarity="modality_max").hits
            except ClamrSelectError as error:
                wrong.append(error)
                return
            count += 1
            for hit in hits:
                sign = float(hit.video.metadata["sign"])
                if {hit.score, *hit.scores_by_modality.values()} != {sign} or len(hit.scores_by_modality) != 4:
                    wrong.append(hit)

    threads = [threading.Thread(target=look) for _ in range(50 if "embedded" in request.node.name else 5)]
    for thread in threads:
        thread.start()
    rng = np.random.default_rng(0)
    try:
        for _ in range(8):
            corpus.update([writing(int(rng.integers(num_videos)), float(rng.choice([-1.0, 1.0])))])
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert wrong == []
    assert count >= len(threads)


@pytest.mark.parametrize("similarity", ["token_max", "modality_max"])
def test_a_video_that_is_replaced_while_it_is_read_is_read_again(tmp_path, schema, monkeypatch, similarity):
    """As on a server, where no lock keeps writers off: another writing comes in before every part of a search."""
    axes = np.eye(DIM, dtype=np.float32)
    signs = {"v0": 1.0, "v1": 0.5}
    rests_after = 12

    def write(name: str) -> None:
        tokens = signs[name] * axes[:1] + np.sqrt(1 - signs[name] ** 2) * axes[1:2]
        names = MODALITIES if signs[name] > 0 else MODALITIES[:2]
        corpus.put([VideoEmbeddings(name, dict.fromkeys(names, tokens))])

    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        write("v0")
        write("v1")
        search, calls = corpus.engine.search, []

        def search_among_writers(plans):
            found = []
            for plan in plans:
                calls.append(plan)
                if len(calls) <= rests_after:
                    signs["v0"] = -signs["v0"]
                    write("v0")
                found += search([plan])
            return found

        monkeypatch.setattr(corpus.engine, "search", search_among_writers)
        monkeypatch.setattr(corpus, "_shared", Unlocked())
        hits = corpus.search(axes[:1], mode="exact", similarity=similarity).hits

        assert {hit.video.video_id: hit.score for hit in hits} == pytest.approx({"v0": signs["v0"], "v1": 0.5})
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        for hit in hits:
            assert set(hit.scores_by_modality) == set(hit.video.num_tokens)
            assert set(hit.scores_by_modality.values()) == {hit.score}
        assert len(calls) > rests_after

        calls.clear()
        rests_after = 10**9
        with pytest.raises(CorpusChangedError, match="search again"):
            corpus.search(axes[:1], mode="exact", similarity=similarity)


class Unlocked:
    """A folder's lock that holds nobody up."""

    def look(self):
        return contextlib.nullcontext()

    write = look
