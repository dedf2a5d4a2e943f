"""Agreement with released selections: the layout the released notebook reads, and selections made by code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from clamr_select.cli import main
from clamr_select.errors import InputError
from clamr_select.eval.agreement.overlap import overlap
from clamr_select.eval.agreement.released import read_questions, read_selections
from clamr_select.eval.agreement.run import check_questions, find_videos

POOL = 60
"""Two candidates a second of a 30 s video: all there are."""


def entry(numbers: list[int]) -> dict[str, list[str]]:
    """As the notebook reads it: a line of subtitles for each frame."""
    return {
        "selected_frame_paths": [f"video_mme_long/talk/frames/frame_{number:04d}.jpg" for number in numbers],
        "subtitles": ["N/A" if number % 2 else f"line {number}" for number in numbers],
    }


def row(question_id: str, question: str) -> dict[str, object]:
    return {
        "videoID": "talk",
        "question_id": question_id,
        "question": question,
        "options": ["A. a", "B. b", "C. c", "D. d"],
        "answer": "A",
        "duration": "long",
        "domain": "Knowledge",
        "sub_category": "Lecture",
        "task_type": "OCR Problems",
    }


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def videos(color_video, tmp_path) -> Path:
    directory = tmp_path / "videos"
    directory.mkdir()
    shutil.copy(color_video, directory / "talk.mp4")
    words = "1\n00:00:11,500 --> 00:00:13,400\nThe walrus answered the harbor master.\n"
    write(directory / "talk.srt", words)
    return directory


def test_overlap_of_the_command_is_that_of_the_sets(videos, tmp_path, capsys):
    questions = write(tmp_path / "q.json", [row("1-1", "what is said about the walrus?"), row("1-2", "what moves?")])
    every, half = list(range(POOL)), list(range(0, POOL, 2))
    selections = write(tmp_path / "s.json", {"talk": {"1-1": entry([0, 23, 24, 25, 26]), "1-2": entry(every)}})
    line = ["eval", "agreement", str(selections), "--videos", str(videos), "--questions", str(questions)]

    assert main([*line, "--pool", str(POOL), "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [one["overlap"] for one in result["questions"]] == [1.0, 1.0]  # 60 asked of 60: all
    assert [one["by_chance"] for one in result["questions"]] == [1.0, 1.0]

    write(selections, {"talk": {"1-1": entry([0, 23, 24, 25, 26])}, "gone": {"2-1": entry(half)}})
    write(questions, [row("1-1", "what is said about the walrus?"), {**row("2-1", "why?"), "videoID": "gone"}])
    assert main([*line, "--pool", str(POOL)]) == 0
    printed = capsys.readouterr()
    assert "80.0%  talk  1-1" in printed.out  # 11.5 to 13 s are said to be about it; 0 s is not
    assert "by chance 8.3%" in printed.out
    assert "gone" in printed.err


def test_positions_are_matched_in_time(color_selection):
    # candidates stand at 0, 1, … 29 s; 60 released ones at 0, 0.507, … 29.9 s
    share, chance = overlap(color_selection, positions=[8, 20, 0, 2], pool=60)

    assert share == 0.5  # 4 s and 10 s are among the selected; 0 s and 1 s are not
    assert chance == 8 / 30


@pytest.mark.parametrize(
    ("numbers", "first_number", "positions"),
    [([1, 768], None, (0, 767)), ([0, 5], None, (0, 5)), ([4, 5], 1, (3, 4)), ([5, 4], 0, (4, 5))],
)
def test_numbers_in_file_names_become_positions(tmp_path, numbers, first_number, positions):
    path = write(tmp_path / "s.json", {"talk": {"1-1": entry(numbers)}})

    (found,) = read_selections(path, first_number=first_number)

    assert (found.video_id, found.question_id, found.positions) == ("talk", "1-1", positions)
    assert len(found.subtitles) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ([], "must be a JSON object, got a list"),
        ({}, "holds no selection"),
        ({"talk": []}, "['talk'] must be a JSON object"),
        ({"talk": {"1-1": {"subtitles": []}}}, "['1-1']['selected_frame_paths'] must be a list of texts, got nothing"),
        ({"talk": {"1-1": {**entry([0]), "subtitles": [1]}}}, "['1-1']['subtitles'] must be a list of texts"),
        ({"talk": {"1-1": {"selected_frame_paths": [], "subtitles": []}}}, "is empty"),
        ({"talk": {"1-1": {"selected_frame_paths": ["a/first.jpg"], "subtitles": []}}}, "no number in the file name"),
        ({"talk": {"1-1": entry([3, 4])}}, "neither 0 nor 768"),
        ({"talk": {"1-1": entry([0, 768])}}, "both 0 and 768"),
        ({"talk": {"1-1": entry([0, 900])}}, "outside 0 to 767"),
        ({"talk": {"1-1": entry([0, 0])}}, "twice"),
    ],
)
def test_malformed_selections_are_errors_that_name_the_place(tmp_path, content, words):
    path = write(tmp_path / "s.json", content)
    with pytest.raises(InputError) as error:
        read_selections(path)
    assert words in str(error.value)
    assert "s.json" in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "must hold a JSON list"),
        ([1], "[0] must be a JSON object"),
        ([row("1-1", "a?"), {**row("1-2", "b?"), "question": None}], "[1]['question'] must be a text"),
        ([row("1-1", "a?"), row("1-1", "b?")], "[1]: question '1-1' of video 'talk' is there twice"),
    ],
)
def test_malformed_questions_are_errors_that_name_the_place(tmp_path, content, words):
    with pytest.raises(InputError) as error:
        read_questions(write(tmp_path / "q.json", content))
    assert words in str(error.value)


def test_what_is_missing_is_named(tmp_path, videos, capsys):
    released = read_selections(write(tmp_path / "s.json", {"talk": {"1-1": entry([0])}, "gone": {"2-1": entry([1])}}))

    assert find_videos(videos, ["talk", "gone"])[1] == ["gone"]
    with pytest.raises(InputError, match=r"expected files such as gone\.mp4"):
        find_videos(videos, ["gone"])
    with pytest.raises(InputError, match="directory"):
        find_videos(tmp_path / "nowhere", ["talk"])
    with pytest.raises(InputError, match="no question '2-1' of video 'gone'"):
        check_questions(released, {("talk", "1-1"): "a?"})
    missing = ["eval", "agreement", "none.json", "--videos", str(videos), "--questions", "none.json"]
    assert main(missing) == 2
    assert main([*missing, "--compat", "exact"]) == 2
    assert main([*missing, "--pool", "1"]) == 2
    errors = capsys.readouterr().err
    assert "none.json" in errors
    assert "corrected, reference" in errors
    assert "--pool" in errors
