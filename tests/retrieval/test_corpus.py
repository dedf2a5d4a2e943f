"""A corpus over its life: put in, replaced, deleted, moved, opened again, refused where it does not fit."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from clamr_select.errors import (
    CorpusError,
    CorpusNotFoundError,
    InputError,
)
from clamr_select.retrieval import CorpusOptions, Schema, ServerOptions, VideoCorpus, VideoEmbeddings

from .conftest import DIM, MODALITIES, QUERY, found_ids, made_videos, unit


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


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_video_that_moves_while_another_takes_its_place_stays(order, open_corpus):
    first, second = made_videos(2)
    corpus = open_corpus()
    corpus.put([first])
    batch = [replace(second, path=first.path), replace(first, path="/moved.mp4")]

    assert corpus.put([batch[number] for number in order]) == []
    assert corpus.paths(["v0", "v1"]) == {"v0": "/moved.mp4", "v1": first.path}


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


def test_which_of_some_ids_are_there(open_corpus):
    corpus = open_corpus()
    corpus.put(made_videos(300))
    asked = [f"v{number}" for number in range(290, 310)] + ["v5"]
    assert corpus.held(asked) == {f"v{number}" for number in range(290, 300)} | {"v5"}
    assert corpus.held([]) == set()


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
