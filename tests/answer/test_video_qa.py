"""Asking: one index a video, follow-ups, choices, and no answer where there is no model."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from clamr_select.answer import VideoQA
from clamr_select.answer.vlm import Reply
from clamr_select.errors import InputError, UnknownNameError, VideoNotFoundError

QUESTION = "what is said about the walrus?"


class Says:
    """A VLM that says what it was told to, and keeps what it was asked."""

    name = "says"

    def __init__(self, *pieces: str) -> None:
        self.pieces, self.asked = pieces, []

    def reply(self, turns, *, max_new_tokens, stream=False):
        self.asked.append(list(turns))
        yield from self.pieces
        return Reply("".join(self.pieces), ({"role": "user", "content": turns[-1].text},), None, "stop")


@pytest.fixture
def qa(selector, subtitles):
    return lambda *pieces, **options: VideoQA(
        selector, Says(*pieces), index_options={"subtitles": subtitles, "ocr": "off"}, **options
    )


def test_a_second_question_reuses_the_index(qa, color_video):
    asked = qa("A walrus.")
    first, second = asked.ask(color_video, QUESTION), asked.ask(str(color_video), "the lantern?", num_frames=3)

    assert "index" in first.timings_seconds
    assert "index" not in second.timings_seconds
    assert len(second.selection) == 3
    assert second.question == second.selection.question == "the lantern?"


def test_a_changed_file_is_indexed_again_and_few_are_kept(qa, color_video, tmp_path):
    video, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    shutil.copy(color_video, video)
    shutil.copy(color_video, other)
    asked = qa("yes", max_indexed_videos=1)
    assert "index" in asked.ask(video, QUESTION).timings_seconds
    os.utime(video, ns=(1, 1))
    assert "index" in asked.ask(video, QUESTION).timings_seconds
    assert "index" in asked.ask(other, QUESTION).timings_seconds
    assert "index" in asked.ask(video, QUESTION).timings_seconds


def test_what_is_selected_for_can_be_said(qa, color_video):
    asked = qa("yes")
    answer = asked.ask(color_video, "and then?", select_for=QUESTION, num_frames=1)

    assert answer.question == "and then?"
    assert answer.selection.question == QUESTION
    assert answer.selection.timestamps_seconds == (12.0,)


@pytest.mark.parametrize(
    ("said", "choice", "codes"),
    [("B.", "B", set()), ("The answer is (A)", "A", set()), ("A man sings", None, {"choice_unparsed"})],
)
def test_choices(qa, color_video, said, choice, codes):
    asked = qa(said)
    answer = asked.ask(color_video, QUESTION, ["a song", "an answer"], num_frames=1)

    assert (answer.text, answer.choice, answer.options) == (said, choice, ("a song", "an answer"))
    assert {"choice_unparsed"} & {warning.code for warning in answer.warnings} == codes
    assert "A. a song\nB. an answer\nAnswer with the letter" in asked.vlm.asked[0][-1].text


def test_without_a_vlm_there_is_evidence_and_no_answer(selector, subtitles, color_video):
    qa = VideoQA(selector, index_options={"subtitles": subtitles, "ocr": "off"})
    answer = qa.ask(color_video, QUESTION, ["a song", "an answer"], num_frames=2)

    assert (answer.text, answer.choice, answer.vlm, answer.usage, answer.prompt) == (None, None, None, None, ())
    assert "no_vlm" in [warning.code for warning in answer.warnings]
    quoted = [(found.timestamp_seconds, found.words.get("asr")) for found in answer.evidence]
    assert (12.0, "The walrus answered the harbor master.") in quoted
    assert [answer.text for answer in qa.ask_stream(color_video, QUESTION, num_frames=2)] == [None]
    with pytest.raises(InputError, match="conversation needs a VLM"):
        qa.conversation(color_video)


def test_a_stream_ends_with_the_answer(qa, color_video):
    assert [str(p) for p in list(qa("A ", "walrus.").ask_stream(color_video, QUESTION))[:-1]] == ["A ", "walrus."]
    (only,) = qa().ask_stream(color_video, QUESTION)
    assert only.text == ""
    assert "first_piece" not in only.timings_seconds


def test_an_answer_is_plain_json(qa, color_video):
    answer = qa("A walrus.").ask(color_video, QUESTION, num_frames=1)
    data = json.loads(json.dumps(answer.to_dict()))

    assert data["text"] == "A walrus."
    assert data["selection"]["timestamps_seconds"] == [12.0]
    assert "candidates" not in data["selection"]


def test_a_conversation_keeps_its_turns_and_may_select_again(qa, color_video):
    asked = qa("A walrus.")
    chat = asked.conversation(color_video)
    first = chat.ask(QUESTION, num_frames=1)
    again = chat.ask("what colour is it?", reselect=False)
    third = chat.ask("what does the subtitle at the end say?", num_frames=2)

    for idle in ({"select_for": "a walrus"}, {"num_frames": 4}, {"policy": "uniform"}):
        with pytest.raises(InputError, match="no effect"):
            chat.ask("what colour is it?", reselect=False, **idle)

    assert again.selection == first.selection
    assert "index" not in third.timings_seconds
    turns = asked.vlm.asked[-1]
    assert [turn.selection for turn in turns] == [first.selection, None, third.selection]
    assert [turn.reply for turn in turns] == ["A walrus.", "A walrus.", None]
    assert turns[1].text == "what colour is it?"
    assert chat.answers == (first, again, third)


def test_an_unread_stream_is_no_turn(qa, color_video):
    chat = qa("A ", "walrus.").conversation(color_video)
    stream = chat.ask_stream(QUESTION, num_frames=1)
    next(stream)
    stream.close()
    assert chat.answers == ()
    with pytest.raises(InputError, match="none yet"):
        chat.ask("and then?", reselect=False)


@pytest.mark.parametrize(
    ("question", "settings", "message"),
    [
        ("  ", {}, "empty"),
        (QUESTION, {"options": ["one"]}, "2 to 26"),
        (None, {}, "question must be text"),
        (QUESTION, {"num_frames": 0}, "num_frames"),
        (QUESTION, {"num_frames": "2"}, "num_frames"),
        (QUESTION, {"max_new_tokens": 0}, "max_new_tokens"),
        (QUESTION, {"select_for": " "}, "select_for"),
        (QUESTION, {"select_for": 5}, "select_for"),
    ],
)
def test_bad_questions_fail_before_anything_is_decoded(qa, tmp_path, question, settings, message):
    with pytest.raises(InputError, match=message):
        qa("yes").ask(tmp_path / "no-such.mp4", question, **settings)


def test_bad_videos_and_names_fail(qa, color_video, tmp_path):
    with pytest.raises(VideoNotFoundError, match="no-such"):
        qa("yes").ask(tmp_path / "no-such.mp4", QUESTION)
    with pytest.raises(UnknownNameError, match="topk_gap"):
        qa("yes").ask(color_video, QUESTION, policy="best")
    with pytest.raises(InputError, match="max_indexed_videos"):
        qa("yes", max_indexed_videos=0)


def test_a_wrong_option_is_known_before_a_video_is_indexed(qa, color_video):
    told = []
    asked = qa("A walrus.", progress=lambda *stage: told.append(stage))
    with pytest.raises(InputError, match="has no parameter 'num_frame'"):
        asked.ask(color_video, QUESTION, num_frame=3)
    assert told == []
