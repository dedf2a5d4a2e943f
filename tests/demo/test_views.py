"""What the page draws: plain data, the right pieces marked, nothing that was said turned into HTML."""

from __future__ import annotations

import base64
import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.demo.hearing import ROUGH, SWITCHED_OFF, Hearing
from clamr_select.demo.pictures import MAX_KEPT, Pictures
from clamr_select.demo.views.conversation import TurnView, conversation_view, timing_note
from clamr_select.demo.views.frames import _heat, frames_view, pieces, word_weights
from clamr_select.demo.views.speech import NOBODY_SPEAKS, SILENT, UNHEARD, speech_view
from clamr_select.demo.views.timeline import timeline_view, winning_modalities
from clamr_select.errors import FrameDecodeError, InputError
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.token_matches import FrameMatches, WordMatch
from clamr_select.selection import Selection, SelectionWarning
from clamr_select.selector import FrameSelector

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def indexed(color_video, subtitles) -> IndexedVideo:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu").index(color_video, subtitles=subtitles, ocr="off")


def test_the_timeline_is_coloured_by_what_answers_best(color_selection: Selection) -> None:
    view = timeline_view(color_selection, span=(3.0, 9.0), truth=((12.0, 14.0),))
    by_modality = color_selection.candidates.scores_by_modality

    for index, name in enumerate(view["modalities"]):
        scores = {n: row[index] for n, row in by_modality.items() if row[index] is not None}
        assert scores[name] == max(scores.values())
    assert (view["start"], view["end"], view["span"]) == (0.0, 30.0, [3.0, 9.0])
    assert len(view["times"]) == len(view["scores"]) == 30
    assert view["selected"] == list(color_selection.timestamps_seconds)
    assert json.loads(json.dumps(view)) == view


def test_equal_scores_take_the_first_and_no_score_is_none(color_selection: Selection) -> None:
    candidates = dataclasses.replace(
        color_selection.candidates, scores_by_modality={"video": (0.5, None, 0.1), "asr": (0.5, None, 0.2)}
    )

    assert winning_modalities(candidates) == ["video", "none", "asr"]


def test_a_selection_without_candidates_has_no_timeline(color_selection: Selection) -> None:
    with pytest.raises(InputError, match="all candidates"):
        timeline_view(dataclasses.replace(color_selection, candidates=None), span=None, truth=())


def test_pieces_join_to_the_line_and_mark_what_matched() -> None:
    line = "One 🦭 walrus, two walruses"
    found = [WordMatch(2, "asr", 0, 6, 13, 0.9), WordMatch(0, "asr", 0, 0, 3, 0.8), WordMatch(3, "asr", 0, 6, 13, 0.5)]
    cut = pieces(line, found, weights=[0.1, 0, 1.0, 0.4])

    assert "".join(piece["text"] for piece in cut) == line
    assert [(p["text"], p["words"], p["strength"]) for p in cut if "words" in p] == [
        ("One", {"0": 0.8}, 0.08),
        ("walrus,", {"2": 0.9, "3": 0.5}, 0.9),
    ]


def test_a_match_past_the_shown_part_of_a_line_is_left_out() -> None:
    assert pieces("cut he", [WordMatch(0, "asr", 0, 10, 14, 0.9)], weights=[1.0]) == [{"text": "cut he"}]
    assert pieces("", [], weights=[]) == []


def matches(patches: list[list[float]], *, read: float | None, typical: float) -> FrameMatches:
    words = () if read is None else (WordMatch(0, "asr", 0, 0, 3, read),)
    return FrameMatches(("walrus",), np.array([patches], dtype=np.float32), words, np.array([typical], np.float32))


def test_heat_is_full_only_where_the_picture_answers_best() -> None:
    seen = matches([[0.1, 0.1], [0.1, 0.8]], read=None, typical=0.1)
    read = matches([[0.1, 0.1], [0.1, 0.2]], read=0.9, typical=0.1)

    assert heat([seen]) == [0, 0, 0, 255]
    assert heat([read]) == [0, 0, 0, round(255 * 0.1 / 0.8)]  # the words answer; the picture stays cool


def heat(shown: list[FrameMatches]) -> list[int]:
    view = _heat(shown[0], shown)
    assert (view["rows"], view["columns"]) == (2, 2)
    return list(base64.b64decode(view["levels"][0]))


def test_words_that_match_everywhere_weigh_nothing() -> None:
    two = FrameMatches(
        ("the", "walrus"),
        np.zeros((2, 1, 1), np.float32),
        (WordMatch(0, "asr", 0, 0, 3, 0.9), WordMatch(1, "asr", 0, 4, 9, 0.9)),
        np.array([0.9, 0.2], np.float32),
    )

    assert word_weights([two]) == pytest.approx([0.0, 1.0], abs=1e-6)
    assert word_weights([]) == []


def test_the_frames_carry_their_words_and_pictures(indexed: IndexedVideo) -> None:
    ours = indexed.select("What does the walrus say?", num_frames=3)
    uniform = indexed.select("What does the walrus say?", num_frames=3, policy="uniform")
    pictures = Pictures(indexed.video)
    view = frames_view(indexed, ours, uniform, pictures=pictures, truth=((11.5, 13.4),))
    (spoken,) = [frame for frame in view["frames"] if 11.5 <= frame["time"] <= 13.4]
    marked = [piece for line in spoken["text"] for piece in line["pieces"] if "words" in piece]
    (walrus,) = [piece for piece in marked if piece["text"] == "walrus"]

    assert "walrus" in {view["words"][int(number)] for number in walrus["words"]}
    assert spoken["inside"] == 1
    assert view["hits"]["ours"] == 1
    assert view["hits"]["of"] == 3
    assert all(frame["image"].startswith("data:image/jpeg;base64,") for frame in view["frames"] + view["uniform"])
    assert json.loads(json.dumps(view)) == view


def test_pooled_tokens_show_matched_words_and_no_heat(color_video, subtitles) -> None:
    selector = FrameSelector.from_pretrained("clamr-nano", device="cpu")
    pooled = selector.index(color_video, subtitles=subtitles, ocr="off", token_pooling=4)
    selection = pooled.select("what is said about the walrus?", num_frames=3)
    view = frames_view(pooled, selection, selection, pictures=Pictures(pooled.video), truth=())

    assert [frame["heat"] for frame in view["frames"]] == [None] * 3
    shown = [piece for frame in view["frames"] for line in frame["text"] for piece in line["pieces"]]
    assert any("words" in piece for piece in shown)
    assert json.loads(json.dumps(view)) == view


def test_reference_labels_show_no_matches_and_the_rest(indexed: IndexedVideo, monkeypatch) -> None:
    selection = indexed.select("walrus", num_frames=2)
    monkeypatch.setattr(indexed.encoder.processor, "compat", "reference")
    view = frames_view(indexed, selection, selection, pictures=Pictures(indexed.video), truth=())

    assert view["words"] == []
    assert [frame["heat"] for frame in view["frames"]] == [None, None]
    assert view["hits"] is None


def test_pictures_are_kept_and_bounded(indexed: IndexedVideo, monkeypatch) -> None:
    times = {int(i): float(t) for i, t in zip(indexed.frame_indices, indexed.timestamps_seconds, strict=True)}
    pictures = Pictures(indexed.video)
    first = pictures.data_urls(times, max_side=32)
    for side in range(16, 16 + MAX_KEPT // len(times) + 1):
        pictures.data_urls(times, max_side=side)
    assert len(pictures._kept) == MAX_KEPT
    again = Pictures(indexed.video)
    assert again.data_urls(times, max_side=32) == first
    monkeypatch.setattr("clamr_select.demo.pictures.frames_at", None)
    assert again.data_urls(times, max_side=32) == first
    with pytest.raises(TypeError):
        again.data_urls({0: 0.0}, max_side=33)


def test_a_changed_video_is_noticed(indexed: IndexedVideo) -> None:
    with pytest.raises(FrameDecodeError):
        Pictures(indexed.video).data_urls({0: 17.0}, max_side=32)


def test_a_turn_says_how_long_it_took_and_of_what(color_selection: Selection) -> None:
    selection = dataclasses.replace(color_selection, method={**color_selection.method, "num_candidates": 30})
    first = timing_note(selection, was_kept=False, wall_seconds=1.7)
    later = timing_note(selection, was_kept=True, wall_seconds=0.034)

    assert first == "Indexed 30 frames in 1.7 s (decode 400 ms, encode 1.2 s). Every further question is instant."
    assert later == "Answered from the index in 34 ms: 30 frames compared, none decoded or encoded again."


def test_hostile_words_stay_words(color_selection: Selection) -> None:
    """Text goes to the page as text; test_browser.py sees that the page shows it as such."""
    hostile = dataclasses.replace(
        color_selection, question=HOSTILE, text=tuple({"asr": HOSTILE, "ocr": HOSTILE} for _ in color_selection.text)
    )
    (turn,) = conversation_view([TurnView(HOSTILE, state="done", text=f"{HOSTILE} at 12.0 s", selection=hostile)])

    assert turn["question"] == HOSTILE
    assert turn["answer"] == [{"text": f"{HOSTILE} at "}, {"text": "12.0 s", "seconds": 12.0}]
    assert {item["words"] for item in turn["evidence"]} <= {HOSTILE, ""}
    assert turn["lead"].startswith("No VLM is set")


@pytest.mark.parametrize(
    ("source", "codes", "can_listen", "expected"),
    [
        ("read", ["no_description"], True, None),
        ("unheard", ["no_asr"], True, {"text": UNHEARD, "offer": True}),
        ("unheard", ["no_asr"], False, {"text": UNHEARD, "offer": False}),
        ("silent", ["no_asr"], True, {"text": SILENT, "offer": False}),
        ("heard", ["no_speech_heard"], True, {"text": NOBODY_SPEAKS, "offer": False}),
        ("heard", ["asr_low_quality"], True, {"text": f"What is said was heard by {ROUGH}", "offer": False}),
    ],
)
def test_a_turn_says_whether_the_spoken_words_are_known(source, codes, can_listen, expected) -> None:
    hearing = Hearing("", ROUGH, {"asr": "pocketsphinx"}) if can_listen else Hearing(SWITCHED_OFF)
    warnings = [SelectionWarning(code, "") for code in codes]

    assert speech_view(source, warnings=warnings, hearing=hearing) == expected


def test_what_is_said_of_speech_is_no_remark_as_well(color_selection: Selection) -> None:
    noted = dataclasses.replace(
        color_selection, warnings=(SelectionWarning("no_asr", "deaf"), SelectionWarning("flat_scores", "flat"))
    )
    (turn,) = conversation_view([TurnView("?", state="done", selection=noted, speech={"text": "x", "offer": True})])

    assert turn["warnings"] == ["flat"]
    assert turn["speech"] == {"text": "x", "offer": True}
