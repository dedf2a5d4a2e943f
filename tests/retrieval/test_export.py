"""A library as one file: taken elsewhere whole, refused where it is damaged or of other vectors."""

from __future__ import annotations

import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from clamr_select.errors import (
    CorpusMismatchError,
    DamagedCorpusError,
    InputError,
)
from clamr_select.retrieval import CorpusOptions, Schema, VideoCorpus, VideoEmbeddings
from clamr_select.retrieval.engine import Point
from clamr_select.retrieval.record import from_bytes, to_bytes

from .conftest import DIM, QUERY, found_ids, made_videos, unit


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


def test_an_export_of_other_vectors_is_refused(tmp_path, schema):
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        corpus.export(tmp_path / "all.zip")
    other = Schema(("video",), DIM, CorpusOptions(max_tokens=50))
    with VideoCorpus.open(tmp_path / "new", schema=other) as corpus, pytest.raises(CorpusMismatchError, match="video"):
        corpus.import_(tmp_path / "all.zip")


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
