"""Presets: what they set, that explicit options win, and that the selection says so."""

from __future__ import annotations

import json

import pytest

from clamr_select import FrameSelector
from clamr_select.answer import VideoQA
from clamr_select.cli import main
from clamr_select.errors import InputError, UnknownNameError

QUESTION = "what is said about the walrus?"
SRT = "1\n00:00:11,500 --> 00:00:13,400\nThe walrus answered the harbor master.\n"


@pytest.fixture(scope="module")
def subtitles(tmp_path_factory):
    path = tmp_path_factory.mktemp("presets") / "talk.srt"
    path.write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def selector():
    return FrameSelector.from_pretrained("clamr-nano")


def test_as_published_scores_each_candidate_as_its_own_document(selector, color_video, subtitles):
    selection = selector.select(color_video, QUESTION, preset="as_published", subtitles=subtitles)

    assert selection.method["num_candidates"] == len(selection) == 60  # two a second, all fewer than 100
    assert selection.method["window_candidates"] == 1
    assert selection.method["max_candidates"] == 768
    assert selection.method["policy"] == "topk"
    assert selection.method["similarity"] == "token_max"
    assert selection.method["modalities"] == ["video", "asr"]
    assert (selection.method["audio"], selection.method["ocr"]) == ("off", "off")
    assert selection.method["description"] is False
    assert (selection.method["preset"], selection.method["preset_overridden"]) == ("as_published", [])
    # the notebook's arithmetic: 65,536 tokens of 28 x 28 pixels, a fifth kept free, over 768 frames in pairs
    assert selection.method["preset_answer"]["max_pixels"] == pytest.approx(65_536 * 784 * 0.8 / 768 * 2)
    assert selection.method["preset_answer"]["assumed_fps"] == 2.0
    best = max(range(60), key=selection.scores.__getitem__)
    assert 11.5 <= selection.timestamps_seconds[best] <= 13.5


def test_explicit_options_win_and_are_named(selector, color_video, subtitles):
    options = {
        "num_frames": 3,
        "candidate_fps": 1.0,
        "subtitles": subtitles,
        "policy": "topk",  # and modalities: as the preset has them
        "modalities": ["video", "asr"],
    }
    questions = [QUESTION, "what moves?"]

    selections = selector.select(color_video, questions, preset="as_published", **options)

    for selection in selections:
        assert len(selection) == 3
        assert selection.method["num_candidates"] == 30
        assert selection.method["preset_overridden"] == ["candidate_fps", "num_frames"]


def test_reference_scores_frames_of_one_frame_documents_alone(color_video, subtitles):
    reference = FrameSelector.from_pretrained("clamr-nano", compat="reference")

    selection = reference.select(color_video, QUESTION, preset="as_published", num_frames=4, subtitles=subtitles)

    assert selection.method["compat"] == "reference"
    assert min(selection.candidates.scores) >= 0.0  # a pad beats whatever is negative
    plain = VideoQA(reference, index_options={"ocr": "off", "subtitles": subtitles}).ask(color_video, QUESTION)
    assert plain.selection.method["window_candidates"] == 1
    assert min(plain.selection.candidates.scores) >= 0.0
    with pytest.raises(InputError, match="window_candidates must be 1, its default there, got 4"):
        reference.select("not-there.mp4", QUESTION, window_candidates=4)  # known before the video is opened


def test_unknown_preset(selector, color_video):
    with pytest.raises(UnknownNameError, match="as_published"):
        selector.select(color_video, QUESTION, preset="as_printed")
    with pytest.raises(UnknownNameError, match="as_published"):
        selector.index(color_video, preset="as_printed")
    with pytest.raises(UnknownNameError, match="as_published"):
        selector.select(color_video, QUESTION, preset=["as_published"])


def test_command_line(color_video, subtitles, capsys):
    line = ["select", str(color_video), QUESTION, "--subtitles", str(subtitles), "--format", "json"]

    assert main([*line, "--preset", "as_published", "--num-frames", "5"]) == 0
    method = json.loads(capsys.readouterr().out)["method"]
    assert (method["preset"], method["preset_overridden"]) == ("as_published", ["num_frames"])
    assert (method["candidate_fps"], method["num_frames"], method["modalities"]) == (2.0, 5, ["video", "asr"])
    assert main([*line, "--preset", "as_printed"]) == 2
    assert "as_published" in capsys.readouterr().err
