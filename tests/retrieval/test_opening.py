"""A library is made where nothing is, opened where it fits, and otherwise said to be another's, damaged or in use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from clamr_select.errors import (
    CorpusBusyError,
    CorpusError,
    CorpusMismatchError,
    CorpusNotFoundError,
    CorpusServerError,
    DamagedCorpusError,
    InputError,
)
from clamr_select.retrieval import CorpusOptions, Schema, ServerOptions, VideoCorpus

from .conftest import DIM, MODALITIES, QUERY, made_videos


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


def test_a_corpus_that_is_not_there(tmp_path, loopback):
    with pytest.raises(CorpusNotFoundError, match="index videos into it first"):
        VideoCorpus.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(CorpusNotFoundError, match="never-made"):
        VideoCorpus.open(loopback.url, server=ServerOptions(collection="never-made"))


def test_a_server_that_does_not_answer(schema):
    with pytest.raises(CorpusServerError, match=r"http://127\.0\.0\.1:1 \(clamr-select\).*does a Qdrant server"):
        VideoCorpus.open("http://127.0.0.1:1", schema=schema)


@pytest.mark.parametrize(("retry_after", "said"), [("7", "try again in 7 s"), ("soon", "not a valid integer: soon")])
def test_a_server_that_has_too_much_to_do(loopback, schema, tmp_path, monkeypatch, retry_after, said):
    with VideoCorpus.open(loopback.url, schema=schema, server=ServerOptions(collection=tmp_path.name)) as corpus:
        monkeypatch.setattr(loopback, "retry_after", retry_after)
        with pytest.raises(CorpusServerError, match=said):
            len(corpus)


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


def test_another_process_that_holds_it_is_named(tmp_path, schema):
    with VideoCorpus.open(tmp_path / "library", schema=schema):
        code = f"from clamr_select.retrieval import VideoCorpus; VideoCorpus.open({str(tmp_path / 'library')!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "CorpusBusyError" in done.stderr
        assert "is in use by process" in done.stderr
        with pytest.raises(CorpusBusyError, match="in use by process"):
            VideoCorpus.open(tmp_path / "library")
    VideoCorpus.open(tmp_path / "library").close()
