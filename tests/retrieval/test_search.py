"""A search finds what loops over all tokens find, in every deployment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from clamr_select.errors import CorpusMismatchError, InputError, UnknownNameError
from clamr_select.retrieval import CorpusOptions, Schema, VideoCorpus, VideoEmbeddings
from clamr_select.retrieval.engine import Nearest, Plan
from clamr_select.retrieval.schema import POOLED

from .conftest import DIM, MODALITIES, QUERY, made_videos, naive_scores


def expected(query, videos, *, similarity, modalities=MODALITIES, top_k=10):
    scored = [(naive_scores(query, video, modalities=modalities).get(similarity), video.video_id) for video in videos]
    return sorted(((score, name) for score, name in scored if score is not None), reverse=True)[:top_k]


@pytest.mark.parametrize("mode", ["exact", "two_stage"])
@pytest.mark.parametrize(
    ("similarity", "modalities"),
    [
        ("token_max", None),
        ("modality_max", None),
        ("token_max", ["asr"]),
        ("modality_max", ["asr", "ocr"]),
        (None, ["video", "description"]),
    ],
)
def test_the_best_are_those_of_the_naive_loop(open_corpus, similarity, modalities, mode):
    videos = made_videos(40)
    corpus = open_corpus()
    corpus.add(videos)

    result = corpus.search(QUERY, similarity=similarity, modalities=modalities, mode=mode)

    considered = modalities or MODALITIES
    wanted = expected(QUERY, videos, similarity=similarity or "modality_max", modalities=considered)
    assert [hit.video.video_id for hit in result.hits] == [name for _, name in wanted]
    assert [hit.score for hit in result.hits] == pytest.approx([score for score, _ in wanted], abs=1e-5)
    assert (result.similarity, result.mode, result.num_videos) == (similarity or "modality_max", mode, 40)
    by_id = {video.video_id: video for video in videos}
    for hit in result.hits:
        naive = naive_scores(QUERY, by_id[hit.video.video_id])
        present = {name: naive[name] for name in MODALITIES if name in naive}
        assert hit.scores_by_modality == pytest.approx(present, abs=1e-5)
        assert hit.modality == max((name for name in considered if name in naive), key=lambda name: naive[name])


@pytest.mark.parametrize("changed", [torch.Tensor.bfloat16, torch.Tensor.double, torch.Tensor.requires_grad_])
def test_a_question_may_be_any_tensor_of_its_vectors(open_corpus, changed):
    corpus = open_corpus()
    corpus.add(made_videos(5))
    query = torch.from_numpy(QUERY.copy())

    found = corpus.search(changed(query)).hits

    wanted = corpus.search(QUERY).hits
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=1e-2)


def test_an_absent_modality_never_wins_even_where_all_scores_are_negative(open_corpus):
    axes = np.eye(DIM, dtype=np.float32)
    corpus = open_corpus()
    corpus.add(
        [
            VideoEmbeddings("two", {"video": -axes[:1], "asr": -axes[1:2]}),
            VideoEmbeddings("one", {"video": -axes[:1]}),
        ]
    )

    result = corpus.search((axes[:1] + axes[1:2]) / np.sqrt(2), similarity="modality_max")

    assert {hit.video.video_id: hit.score for hit in result.hits} == pytest.approx(
        {"two": -(0.5**0.5), "one": -(0.5**0.5)}
    )
    assert {len(hit.scores_by_modality) for hit in result.hits} == {1, 2}


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({"year": {"gte": 2010, "lt": 2013}}, lambda m: 2010 <= m["year"] < 2013),
        ({"year": [2001, 2003]}, lambda m: m["year"] in (2001, 2003)),
        ({"tags": "odd"}, lambda m: "odd" in m["tags"]),
        ({"tags": {"not": ["odd"]}}, lambda m: "odd" not in m["tags"]),
        ({"free": True}, lambda m: m["free"]),
        ({"free": {"not": True}, "tags": "all"}, lambda m: not m["free"] and "all" in m["tags"]),
        ({"title": "Video 7"}, lambda m: m["title"] == "Video 7"),
        ({"path": "/videos/9.mp4"}, lambda m: m["title"] == "Video 9"),
        ({"nothing": "has this"}, lambda m: False),
    ],
)
def test_filters(open_corpus, filters, fits):
    videos = made_videos(40)
    corpus = open_corpus()
    corpus.add(videos)
    wanted = {video.video_id for video in videos if fits(video.metadata)}

    for mode in ("exact", "two_stage"):
        found = corpus.search(QUERY, filters=filters, top_k=40, mode=mode)
        assert {hit.video.video_id for hit in found.hits} == wanted
    assert {video.video_id for video in corpus.videos(filters=filters)} == wanted


def test_every_name_that_metadata_may_have_can_be_filtered_by(open_corpus):
    names = ("my field", "größe", "a-b", "it's", "a,b:c", "*", "日本")
    (first, second) = made_videos(2)
    corpus = open_corpus()
    corpus.add([first, second])
    nested = {"cast": [{"full name": "Ann"}, {"full name": "Bob"}], "of": {"x y": 3}}
    corpus.set_metadata("v0", metadata=dict.fromkeys(names, 5) | {"is it": True} | nested)

    fits = [{name: 5} for name in names] + [{name: {"gte": 5}} for name in names]
    for filters in [*fits, {"is it": True}, {"cast[].full name": "Bob"}, {"of.x y": 3}]:
        assert [video.video_id for video in corpus.videos(filters=filters)] == ["v0"], filters
    assert [hit.video.video_id for hit in corpus.search(QUERY, filters={"my field": 5}).hits] == ["v0"]


KINDS = {"text": "12", "whole": 12, "float": 12.0, "half": 4.5, "half text": "4.5", "true": True, "word": "true"}
KINDS |= {"one": 1, "large": 2**53 + 1, "larger": 2**53 + 2, "list": ["a", 7, 0.5], "nothing": None}


VALUES = [
    (12, {"whole", "float"}),
    (12.0, {"whole", "float"}),
    ("12", {"text"}),
    (["12", 12], {"text", "whole", "float"}),
    (4.5, {"half"}),
    (["4.5", 4.5], {"half", "half text"}),
    (True, {"true"}),
    (["true", True], {"true", "word"}),
    (1, {"one"}),
    (2**53 + 1, {"large"}),
    ([0.5, "12", 1, 2**53 + 2], {"list", "text", "one", "larger"}),
]


@pytest.mark.parametrize("index", [{}, {"rights.free": "bool", "flags": "bool"}])
def test_truth_values_fit_wherever_they_lie(open_corpus, index):
    options = CorpusOptions(storage="float32", max_tokens=50, filterable=index)
    corpus = open_corpus(schema=Schema(MODALITIES, DIM, options))
    kept = {
        "a": {"rights": {"free": True}, "flags": [True, False], "cast": [{"name": "Ann"}, {"alive": True}]},
        "b": {"rights": {"free": False}, "flags": [False], "cast": [{"alive": False, "name": "Bob"}]},
        "c": {"rights": {"free": 1}, "flags": ["true", [True]], "cast": []},
    }
    (video,) = made_videos(1)
    corpus.add([replace(video, video_id=name, path=None, metadata=metadata) for name, metadata in kept.items()])
    for filters, fits in [
        ({"rights.free": True}, "a"),
        ({"rights.free": {"not": True}}, "bc"),
        ({"rights.free": [False, 1]}, "bc"),
        ({"flags": True}, "a"),
        ({"flags": False}, "ab"),
        ({"flags": {"not": True}}, "bc"),
        ({"flags[1]": False}, "a"),
        ({"cast[].alive": True}, "a"),
        ({"cast[1].alive": True}, "a"),
        ({"cast[].alive": {"not": False}}, "ac"),
    ]:
        assert {video.video_id for video in corpus.videos(filters=filters)} == set(fits), filters
        assert {hit.video.video_id for hit in corpus.search(QUERY, filters=filters).hits} == set(fits), filters


@pytest.mark.parametrize("index", [None, "keyword", "float"])
def test_a_value_fits_by_its_kind(open_corpus, index):
    options = CorpusOptions(storage="float32", max_tokens=50, filterable={} if index is None else {"x": index})
    corpus = open_corpus(schema=Schema(MODALITIES, DIM, options))
    (video,) = made_videos(1)
    corpus.add([replace(video, video_id=name, path=None, metadata={"x": x}) for name, x in KINDS.items()])

    for value, fits in VALUES:
        others = {video.video_id for video in corpus.videos(filters={"x": {"not": value}})}
        assert {video.video_id for video in corpus.videos(filters={"x": value})} == fits, value
        assert others == set(KINDS) - fits, value
        assert {hit.video.video_id for hit in corpus.search(QUERY, filters={"x": value}, top_k=20).hits} == fits, value


def test_indexed_fields_filter_alike(open_corpus):
    fields = {"year": "integer", "tags": "keyword", "free": "bool"}
    options = CorpusOptions(storage="float32", max_tokens=50, filterable=fields)
    corpus = open_corpus(schema=Schema(MODALITIES, DIM, options))
    corpus.add(made_videos(20))

    found = {v.metadata["title"] for v in corpus.videos(filters={"year": {"gte": 2010}, "free": True, "tags": "all"})}
    assert found == {"Video 12", "Video 18"}
    assert [v.metadata["title"] for v in corpus.videos(filters={"year": ["2012", 2012]})] == ["Video 12"]
    assert len(list(corpus.videos(filters={"year": {"not": ["2012", 2012]}}))) == 19


def test_nothing_is_found_in_an_empty_corpus(open_corpus):
    assert len(open_corpus().search(QUERY)) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"top_k": 0}, InputError, "top_k must be at least 1"),
        ({"top_k": 2.5}, InputError, "whole, .* got 2.5"),
        ({"top_k": 2**64}, InputError, "at most 2147483647"),
        ({"modalities": ["smell"]}, InputError, "video, ocr, asr, description"),
        ({"modalities": []}, InputError, "list of some"),
        ({"similarity": "sum"}, UnknownNameError, "modality_max"),
        ({"similarity": "token_max", "modalities": ["asr", "ocr"]}, InputError, "one multivector"),
        ({"mode": "fast"}, UnknownNameError, "two_stage"),
        ({"mode": "codes"}, InputError, "quantization="),
        ({"filters": {"year": {"over": 3}}}, InputError, "gte"),
        ({"filters": {"year": float("nan")}}, InputError, "finite number"),
        ({"filters": {"year": [1, float("inf")]}}, InputError, "finite number"),
        ({"filters": {"year": None}}, InputError, "finite number"),
        ({"filters": {"year": {"gte": "2000"}}}, InputError, "bounds are finite numbers"),
        ({"filters": {"year": {"gte": float("nan")}}}, InputError, "bounds are finite numbers"),
        ({"filters": {"year": {"lt": 10**400}}}, InputError, "bounds are finite numbers"),
        ({"filters": {"year": 2**63}}, InputError, "64 bits"),
        ({"filters": {'a"b': 1}}, InputError, "no quotes"),
        ({"filters": {"a[b": 1}}, InputError, "no quotes"),
        ({"filters": {"a\\b": 1}}, InputError, "or backslashes"),
        ({"filters": {"": 1}}, InputError, "no quotes"),
        ({"filters": {"a..b": {"gte": 1}}}, InputError, "no quotes"),
        ({"filters": {"year": []}}, InputError, "a list of them"),
        ({"filters": {"year": {"not": [[1]]}}}, InputError, "a list of them"),
    ],
)
def test_wrong_arguments(tmp_path, schema, arguments, error, said):
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus, pytest.raises(error, match=said):
        corpus.search(QUERY, **arguments)


@pytest.mark.parametrize(
    ("query", "said"),
    [(np.zeros((0, DIM)), "shape"), (np.zeros((2, 3)), "shape"), (np.full((2, DIM), np.nan), "not finite")],
)
def test_wrong_queries(tmp_path, schema, query, said):
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        with pytest.raises(InputError, match=said):
            corpus.search(query)
        with pytest.raises(CorpusMismatchError, match="without a selector"):
            corpus.search("a text")


@pytest.mark.parametrize("storage", ["float16", "turbo8"])
@pytest.mark.parametrize("quantization", ["none", "int8", "turbo4"])
def test_smaller_vectors_and_codes_stay_near(tmp_path, storage, quantization):
    videos = made_videos(60)
    options = CorpusOptions(storage=storage, quantization=quantization, max_tokens=50)
    mode = "exact" if quantization == "none" else "codes"
    with VideoCorpus.open(tmp_path / "library", schema=Schema(MODALITIES, DIM, options)) as corpus:
        corpus.add(videos)
        corpus.optimize()
        result = corpus.search(QUERY, top_k=5, mode=mode)

    assert result.mode == mode
    naive = {video.video_id: naive_scores(QUERY, video)["token_max"] for video in videos}
    tolerance = 2e-3 if storage == "float16" else 5e-2
    for hit in result.hits:
        assert hit.score == pytest.approx(naive[hit.video.video_id], abs=tolerance)
        assert hit.score >= sorted(naive.values())[-5] - 2 * tolerance


@pytest.mark.parametrize("centered", [True, False])
def test_no_video_is_out_of_reach_of_the_first_stage(tmp_path, centered):
    """What a video's own tokens find by codes are those that all numbers find; in a graph, some videos are never met.
    The vectors lie to one side, as those of a model do."""
    rng = np.random.default_rng(0)
    side = rng.normal(size=64).astype(np.float32)
    center = tuple((0.7 * side / np.linalg.norm(side)).tolist()) if centered else ()
    schema = Schema(("asr",), 64, CorpusOptions(max_tokens=100), center)
    videos = []
    for number in range(350):
        tokens = rng.normal(size=(int(rng.integers(5, 30)), 64)).astype(np.float32) + side
        videos.append(VideoEmbeddings(f"v{number}", {"asr": tokens / np.linalg.norm(tokens, axis=1, keepdims=True)}))
    with VideoCorpus.open(tmp_path / "library", schema=schema) as corpus:
        corpus.put(videos)
        corpus.optimize()
        for video in videos[::5]:
            query = corpus.first_stage.query(video.vectors["asr"][:5])
            by_codes, by_numbers = (
                [found.payload["video_id"] for found in corpus.engine.search([Plan((one,), one.limit)])[0]]
                for one in (Nearest(query, POOLED, 50, exact=exact) for exact in (False, True))
            )
            assert video.video_id in by_codes or not centered
            assert len(set(by_codes) & set(by_numbers)) >= 40
