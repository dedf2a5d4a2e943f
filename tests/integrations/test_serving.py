"""One selector a process: named by whoever runs it, and a video asked about again is not indexed again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from clamr_select.errors import InputError, ModelNotFoundError, VideoNotFoundError
from clamr_select.integrations import serving
from clamr_select.selector import FrameSelector

QUESTION = "which number?"


class CountingSelector(FrameSelector):
    num_indexed = 0

    def index(self, video, **options):
        self.num_indexed += 1
        return super().index(video, **options)


@pytest.fixture(scope="module")
def encoder():
    return FrameSelector.from_pretrained("clamr-nano", device="cpu").encoder


@pytest.fixture
def selector(encoder) -> Iterator[CountingSelector]:
    selector = CountingSelector(encoder)
    serving.use_selector(selector)
    yield selector
    serving.use_selector(None)


def select(video, question=QUESTION, **options):
    return serving.select_frames(video, question, num_frames=2, **{"ocr": "off", "policy": "topk", **options})


def test_a_second_question_is_answered_from_the_index(selector, constant_video):
    for question in (QUESTION, "another?"):
        made = select(constant_video, question)
        expected = FrameSelector(selector.encoder).select(
            constant_video, question, num_frames=2, ocr="off", policy="topk"
        )
        assert made.frame_indices == expected.frame_indices
        assert made.question == question
    assert selector.num_indexed == 1


def test_other_options_and_other_files_are_other_indexes(selector, constant_video, variable_video, tmp_path):
    select(constant_video)
    select(constant_video, candidate_fps=2)
    assert selector.num_indexed == 2
    changing = shutil.copy(constant_video, tmp_path / "video.mp4")
    select(changing)
    shutil.copy(variable_video, changing)
    os.utime(changing, ns=(1, 1))
    assert select(changing).video_facts.num_frames == 16
    assert selector.num_indexed == 4


def test_subtitles_that_come_later_are_read(selector, constant_video, tmp_path):
    video = tmp_path / "video.mp4"
    shutil.copy(constant_video, video)
    assert select(video).method["asr"] == "none"
    for words, num_indexed in (("one", 2), ("two", 3), ("two", 3)):
        video.with_suffix(".srt").write_text(f"1\n00:00:00,000 --> 00:00:06,000\n{words}\n", encoding="utf-8")
        selection = select(video)
        assert {text["asr"] for text in selection.text} == {words}
        assert selector.num_indexed == num_indexed
    given = tmp_path / "given.srt"
    for words in ("three", "four"):
        given.write_text(f"1\n00:00:00,000 --> 00:00:06,000\n{words}\n", encoding="utf-8")
        assert {text["asr"] for text in select(video, subtitles=given).text} == {words}


def test_the_same_content_under_another_name_is_the_same_video(selector, constant_video, tmp_path):
    select(constant_video, content="digest")
    copy = shutil.copy(constant_video, tmp_path / "copy.mp4")

    selection = select(copy, content="digest")

    assert selector.num_indexed == 1
    assert selection.video == str(copy)


def test_few_videos_are_kept(selector, constant_video):
    for number in range(serving.MAX_INDEXED_VIDEOS + 1):
        select(constant_video, content=str(number))
    select(constant_video, content="1")
    assert selector.num_indexed == serving.MAX_INDEXED_VIDEOS + 1
    select(constant_video, content="0")
    assert selector.num_indexed == serving.MAX_INDEXED_VIDEOS + 2


def test_the_environment_names_the_model(monkeypatch, constant_video):
    monkeypatch.setenv(serving.MODEL_VARIABLE, "no-such-model")
    with pytest.raises(ModelNotFoundError, match="no-such-model"):
        select(constant_video)
    monkeypatch.delenv(serving.MODEL_VARIABLE)
    assert select(constant_video).method["model"] == "clamr-nano"
    serving.use_selector(None)


def test_errors_are_those_of_the_selector(selector, constant_video, tmp_path):
    with pytest.raises(VideoNotFoundError):
        select(tmp_path / "none.mp4")
    with pytest.raises(InputError):
        select(constant_video, "")


@pytest.mark.parametrize(
    ("question", "options", "message"),
    [
        (" ", {}, "is empty"),
        (None, {}, "question must be text"),
        (QUESTION, {"policy": "best"}, "unknown policy"),
        (QUESTION, {"gap": 3}, "has no parameter 'gap'"),
    ],
)
def test_a_wrong_request_decodes_nothing(selector, constant_video, question, options, message):
    with pytest.raises(InputError, match=message):
        select(constant_video, question, **options)
    assert selector.num_indexed == 0
