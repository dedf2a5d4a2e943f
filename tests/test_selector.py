"""The front door with the embedded model: index once, ask often, and what may never change a selection."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import clamr_select
from clamr_select.errors import InputError, SubtitlesError, UnknownNameError, VideoNotFoundError
from clamr_select.handoff.planned import planned_frames
from clamr_select.indexing import explanation
from clamr_select.indexing.coarse_to_fine import opening
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.indexing.explanation import explain
from clamr_select.selection import Selection
from clamr_select.selector import FrameSelector

SRT = """1
00:00:11,500 --> 00:00:13,400
The walrus answered the harbor master.

2
00:00:21,000 --> 00:00:23,000
Then the lantern keeper told a story about glaciers.
"""


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="module")
def subtitles(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("subtitles") / "talk.srt"
    path.write_text(SRT, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def indexed(selector, color_video, subtitles):
    return selector.index(color_video, subtitles=subtitles, ocr="off")


def test_the_spoken_answer_is_selected(indexed):
    selection = indexed.select("what is said about the walrus?", num_frames=3)
    assert any(11.5 <= t <= 13.4 for t in selection.timestamps_seconds)
    best = int(np.argmax(selection.scores))
    assert 11.5 <= selection.timestamps_seconds[best] <= 13.4
    assert selection.modality[best] == "asr"
    assert "walrus" in selection.text[best]["asr"]


def test_a_selection_is_complete_and_travels_as_json(indexed, tmp_path):
    selection = indexed.select("the lantern keeper", num_frames=4)
    assert len(selection) == 4
    assert selection.candidates is not None
    assert len(selection.candidates.scores) == len(indexed) == 30
    assert set(selection.scores_by_modality) == {"video", "asr"}
    assert None in selection.scores_by_modality["asr"] or all(selection.text)
    assert {"open", "decode", "encode", "encode_question", "score", "policy"} <= set(selection.timings_seconds)
    assert selection.method["model"] == "clamr-nano"
    selection.save(tmp_path / "selection.json")
    assert Selection.load(tmp_path / "selection.json") == selection


def test_each_frame_is_the_frame_at_its_timestamp(indexed):
    selection = indexed.select("anything", num_frames=5)
    assert [round(t * 10) for t in selection.timestamps_seconds] == list(selection.frame_indices)
    assert len(selection.frames(max_side=64)) == 5


def test_a_second_question_decodes_and_encodes_nothing_of_the_video(indexed, monkeypatch):
    monkeypatch.setattr(indexed.encoder, "encode_document", None)
    monkeypatch.setattr("clamr_select.indexing.opening.opener", None)
    both = indexed.select(["lantern", "walrus"], num_frames=2)
    assert [s.question for s in both] == ["lantern", "walrus"]
    alone = indexed.select("walrus", num_frames=2)
    assert both[1].frame_indices == alone.frame_indices
    np.testing.assert_allclose(both[1].scores, alone.scores, atol=1e-5)


def test_the_same_input_gives_the_same_frames(selector, color_video, subtitles):
    first, second = (
        selector.select(color_video, "walrus", num_frames=5, subtitles=subtitles, ocr="off") for _ in range(2)
    )
    assert first.frame_indices == second.frame_indices
    assert first.scores == second.scores


def test_metadata_changes_no_frame_score(selector, indexed, color_video, subtitles):
    titled = selector.index(color_video, subtitles=subtitles, ocr="off", title="The walrus, the lantern and the harbor")
    plain = indexed.select("what does the walrus say?", num_frames=4)
    other = titled.select("what does the walrus say?", num_frames=4)
    assert plain.frame_indices == other.frame_indices
    np.testing.assert_allclose(plain.candidates.scores, other.candidates.scores, atol=1e-5)


def test_one_long_video_scores_as_its_windows_whatever_the_batch(
    selector, indexed, color_video, subtitles, monkeypatch
):
    monkeypatch.setattr("clamr_select.indexing.indexer.WINDOWS_IN_FLIGHT", 1)
    again = selector.index(color_video, subtitles=subtitles, ocr="off")
    one, other = (i.select("lantern", num_frames=3).candidates.scores for i in (indexed, again))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_modalities_can_be_left_out(indexed):
    selection = indexed.select("walrus", num_frames=3, modalities=["video"])
    assert set(selection.modality) == {"video"}
    spoken = indexed.select("walrus", num_frames=3, modalities=["asr"])
    assert set(spoken.scores_by_modality) == {"asr"}
    silent = indexed.select("walrus", num_frames=30, modalities=["asr"])
    assert set(silent.modality) == {"asr", "none"}
    assert min(spoken.candidates.scores) == -1.0


def test_missing_speech_is_a_recorded_warning(selector, color_video):
    selection = selector.select(color_video, "walrus", num_frames=2, ocr="off")
    assert "no_asr" in [warning.code for warning in selection.warnings]


def test_thinned_candidates_and_cut_questions_are_recorded(selector, color_video):
    selection = selector.select(color_video, "walrus " * 200, num_frames=2, ocr="off", max_candidates=5)
    codes = [warning.code for warning in selection.warnings]
    assert "candidates_thinned" in codes
    assert "question_truncated" in codes
    assert len(selection.candidates.scores) == 5


def test_neighbor_pairs_index_too(selector, color_video):
    indexed = selector.index(color_video, ocr="off", pair="neighbor", candidate_fps=0.5)
    assert len(indexed) == 15
    assert indexed.method["pair"] == "neighbor"


@pytest.mark.parametrize("backend", ["pyav", "decord"])
def test_backends_select_the_same_frames(selector, color_video, subtitles, indexed, backend):
    if backend == "decord":
        pytest.importorskip("decord")
    selection = selector.select(color_video, "walrus", num_frames=3, subtitles=subtitles, ocr="off", backend=backend)
    assert any(11.5 <= t <= 13.4 for t in selection.timestamps_seconds)
    assert selection.timestamps_seconds[0] in indexed.timestamps_seconds


def test_explanation_agrees_with_the_selection(indexed):
    question = "what is said about the walrus?"
    selection = indexed.select(question, num_frames=1)
    best = explain(indexed, question, at_seconds=selection.timestamps_seconds[0])
    assert best.rank == 1
    assert best.smallest_num_frames == 1
    assert best.beaten_by == ()
    assert best.score == pytest.approx(selection.scores[0])
    assert [w.word for w in best.words] == question.split()
    assert max(best.words, key=lambda w: w.score).score <= 1.0 + 1e-5
    other = explain(indexed, question, at_seconds=2.0)
    assert other.rank > 1
    assert other.beaten_by[0][1] > other.score
    budget = other.smallest_num_frames
    assert other.frame_index in indexed.select(question, num_frames=budget).frame_indices
    assert other.frame_index not in indexed.select(question, num_frames=budget - 1).frame_indices
    with pytest.raises(InputError, match="outside the video"):
        explain(indexed, question, at_seconds=31.5)


def test_the_smallest_budget_is_looked_for_up_to_a_bound(indexed, monkeypatch):
    """Each budget is a run of the policy: to try all of them would take the square of the video's length."""
    question = "what is said about the walrus?"
    found = explain(indexed, question, at_seconds=2.0).smallest_num_frames
    monkeypatch.setattr(explanation, "MOST_FRAMES_TRIED", found)
    assert explain(indexed, question, at_seconds=2.0).smallest_num_frames == found
    monkeypatch.setattr(explanation, "MOST_FRAMES_TRIED", found - 1)
    assert explain(indexed, question, at_seconds=2.0).smallest_num_frames is None


def test_select_fails_on_bad_input(selector, indexed, color_video, tmp_path):
    with pytest.raises(VideoNotFoundError):
        selector.select(tmp_path / "none.mp4", "walrus")
    with pytest.raises(InputError, match="empty"):
        selector.select(color_video, " ")
    with pytest.raises(InputError, match="no such option: nonsense"):
        selector.index(color_video, nonsense=1)
    with pytest.raises(UnknownNameError, match="pyav"):
        selector.index(color_video, backend="vlc")
    with pytest.raises(SubtitlesError):
        selector.index(color_video, subtitles=str(tmp_path / "none.srt"))
    with pytest.raises(UnknownNameError, match="topk"):
        indexed.select("walrus", policy="best")
    with pytest.raises(UnknownNameError, match="token_max"):
        indexed.select("walrus", similarity="mean")
    with pytest.raises(InputError, match="num_frames"):
        indexed.select("walrus", num_frames=0)
    with pytest.raises(InputError, match="modalities"):
        indexed.select("walrus", modalities=["smell"])


@pytest.mark.parametrize(
    ("question", "options", "message"),
    [
        ("walrus", {"num_frame": 4}, "has no parameter 'num_frame'"),
        ("walrus", {"policy": "best"}, "unknown policy 'best'"),
        ("walrus", {"similarity": "mean"}, "unknown similarity"),
        ("walrus", {"modalities": ["smell"]}, "modalities must be a list of some of video"),
        ("walrus", {"modalities": "asr"}, "modalities must be a list of some of video"),
        ("walrus", {"between_seconds": 5}, "between_seconds must be"),
        ("walrus", {"max_seconds": -1}, "max_seconds must be"),
        ("walrus", {"include": 5.0}, "include takes a list"),
        ("walrus", {"num_frames": None}, "num_frames must be a whole number"),
        ("walrus", {"policy": ["topk"]}, "unknown policy"),
        ([], {}, "question must be text, or a list of one text or more"),
        (None, {}, "question must be text"),
        (["walrus", 5], {}, "question must be text"),
        (["walrus", ""], {}, "question 1 is empty"),
        ("caf\udce9 what", {}, "question 0 holds"),
    ],
)
@pytest.mark.parametrize("effort", ["full", "fast"])
def test_what_is_wrong_is_known_before_a_video_is_indexed(selector, color_video, effort, question, options, message):
    decoded = []
    with pytest.raises(InputError, match=message):
        selector.select(color_video, question, effort=effort, progress=lambda *stage: decoded.append(stage), **options)
    assert decoded == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("candidate_fps", "1"),
        ("max_candidates", "9"),
        ("token_pooling", 1.5),
        ("window_candidates", 0),
        ("limits", {"max_bytes": 5}),
        ("title", 5),
        ("description", ["a talk"]),
        ("subtitles", 5),
        ("isolate", "no"),
    ],
)
def test_an_option_of_another_kind_is_an_error_of_ours(selector, color_video, name, value):
    with pytest.raises(InputError, match=f"{name} must be "):
        selector.index(color_video, **{name: value})


def test_an_open_span_and_any_list_of_questions_will_do(indexed):
    late, again = indexed.select((question for question in ("walrus", "glaciers")), between_seconds=(20, float("inf")))
    assert min(late.timestamps_seconds + again.timestamps_seconds) >= 20


@pytest.mark.parametrize("effort", ["full", "fast"])
@pytest.mark.parametrize(
    "given",
    [
        {"modalities": ["asr"]},
        {"include": ["last"]},
        {"options": ["the walrus", "the lantern keeper"], "query": "with_options"},
        {"between_seconds": (20, 25)},
    ],
)
def test_an_iterator_as_an_option_is_read_as_a_list_is(selector, color_video, subtitles, monkeypatch, effort, given):
    monkeypatch.setattr(opening, "EFFORT_PLANS", {"fast": EffortPlan(skim_step=4, dense_windows=3)})
    (name, *_) = given
    lists, iterators = (
        selector.select(
            color_video,
            ["who told a story?", "what is said about the walrus?"],
            num_frames=3,
            effort=effort,
            subtitles=subtitles,
            ocr="off",
            **{**given, name: kind(given[name])},
        )
        for kind in (list, iter)
    )
    assert [one.timestamps_seconds for one in iterators] == [one.timestamps_seconds for one in lists]
    assert [one.method for one in iterators] == [one.method for one in lists]


def test_an_iterator_of_modalities_is_read_once(indexed):
    (query,), _ = indexed.encoder.encode_query(["walrus"])
    listed, iterated = (indexed.score(query, modalities=names) for names in (["asr"], iter(["asr"])))
    np.testing.assert_array_equal(iterated.total, listed.total)
    with pytest.raises(InputError, match="modalities must be a list"):
        indexed.select("walrus", modalities=iter([]))


def test_public_names():
    assert sorted(clamr_select.__all__) == clamr_select.__all__
    for name in clamr_select.__all__:
        assert getattr(clamr_select, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = clamr_select.Nothing
    assert dataclasses.is_dataclass(clamr_select.Selection)


def test_budgets_and_frames_that_must_be_there(indexed):
    selection = indexed.select("the lantern keeper", vlm="qwen2.5-vl", max_tokens=1000, include=["first", 12.0])
    assert selection.method["num_frames"] == len(selection) >= 2
    assert selection.timestamps_seconds[0] == indexed.timestamps_seconds[0]
    assert any(abs(t - 12.0) <= 0.5 for t in selection.timestamps_seconds)
    assert len(indexed.select("the lantern keeper", num_frames="auto", max_frames=6)) <= 6


@pytest.mark.parametrize("diversity", ["pooled", "late_interaction"])
def test_policies_that_compare_frames_find_their_embeddings(indexed, diversity):
    selection = indexed.select("what is said about the walrus?", num_frames=4, policy="mmr", diversity=diversity)
    assert len(selection) == 4
    assert selection.method["diversity"] == diversity
    assert any(11.5 <= t <= 13.4 for t in selection.timestamps_seconds)


def test_words_of_time_in_a_question_are_read_on_request(indexed):
    question = "What is said about the walrus at the end of the video?"
    plain = indexed.select(question, num_frames=3)
    assert "question_plan" not in plain.method
    late = indexed.select(question, num_frames=3, question_rules="rules")
    assert late.question == question
    assert late.method["question_plan"]["place"] == "end"
    assert min(late.timestamps_seconds) >= 0.7 * indexed.timestamps_seconds[-1]
    after = indexed.select("What is shown after the walrus answers?", num_frames=3, question_rules="rules")
    assert after.method["scored_texts"] == ["What is shown?", "the walrus answers"]


def test_frames_come_in_the_sizes_of_their_plan(indexed):
    selection = indexed.select("the walrus", num_frames=2, resolution="tiers")
    sides = [max(frame.shape[:2]) for frame in planned_frames(selection, full_side=64)]
    assert sides == [round(share * 64) for share in selection.method["side_shares"]]
    assert len(set(sides)) == 3
    with pytest.raises(InputError, match="no plan of sizes"):
        planned_frames(indexed.select("the walrus", num_frames=2))
