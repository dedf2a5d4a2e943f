"""Searches while videos come, go and are replaced: no error, and no result of two writings."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest

from clamr_select.errors import (
    ClamrSelectError,
    CorpusChangedError,
)
from clamr_select.retrieval import VideoCorpus, VideoEmbeddings

from .conftest import DIM, MODALITIES


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
