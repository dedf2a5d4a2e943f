"""The command as a user types it: in a process of its own where it matters, exit status and streams checked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
from PIL import Image

from clamr_select.cli import index, main
from clamr_select.cli.why import parse_time
from clamr_select.errors import InputError
from clamr_select.selection import Selection

QUESTION = "what is said about the walrus?"
LONG_NAME = "why is the answer " * 40
SRT = "1\n00:00:11,500 --> 00:00:13,400\nThe walrus answered the harbor master.\n"


@pytest.fixture(scope="module")
def subtitles(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "talk.srt"
    path.write_text(SRT, encoding="utf-8")
    return path


def image_size(path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "clamr_select.cli", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.split() == ["clamr-select", version("clamr-select")]


def test_json_is_all_that_is_on_stdout(color_video, subtitles):
    done = command(
        "select", color_video, QUESTION, "--subtitles", subtitles, "--format", "json", "--num-frames", 3, "--ocr", "off"
    )
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    expected = "schema_version video question frame_indices timestamps_seconds scores modality scores_by_modality text"
    assert {*expected.split(), "method", "warnings", "timings_seconds"} <= set(data)
    assert len(data["frame_indices"]) == 3
    assert all(len(scores) == 3 for scores in data["scores_by_modality"].values())
    assert any(11.5 <= t <= 13.4 for t in data["timestamps_seconds"])
    assert "Traceback" not in done.stderr
    assert "%|" not in done.stderr  # no progress bar where stderr is no terminal


def test_output_receives_pictures_json_and_full_size_frames(color_video, subtitles, tmp_path, capsys):
    output = tmp_path / "out"
    options = ["--subtitles", str(subtitles), "--num-frames", "2", "--ocr", "off", "--title", "A talk"]
    status = main(["select", str(color_video), QUESTION, *options, "--output", str(output)])
    assert status == 0
    selection = Selection.load(output / "selection.json")
    frames = sorted((output / "frames").iterdir())
    assert len(frames) == len(selection) == 2
    assert image_size(frames[0]) == (320, 180)
    for name in ("contact_sheet.png", "timeline.png"):
        assert image_size(output / name)[0] > 300
    assert main(["select", str(color_video), "another question", "--ocr", "off", "--output", str(output)]) == 0
    assert len(list((output / "frames").iterdir())) == 8
    table = capsys.readouterr().out
    assert "walrus answered" in table
    assert table.count("\n") >= 3


@pytest.mark.parametrize("asked_before", [False, True])
def test_output_keeps_frames_that_no_earlier_question_left(color_video, tmp_path, capsys, asked_before):
    line = ["select", str(color_video), QUESTION, "--ocr", "off", "--num-frames", "2", "--output", str(tmp_path)]
    if asked_before:
        assert main(line) == 0
    own = tmp_path / "frames" / "frame_of_my_holiday.jpg"
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(b"the sea")
    for _ in range(2):
        assert main(line) == 2
        assert "holds 1 frames of another selection, e.g. frame_of_my_holiday.jpg" in capsys.readouterr().err
    assert own.read_bytes() == b"the sea"


def test_output_keeps_a_selection_json_that_is_none(color_video, tmp_path, capsys):
    (tmp_path / "selection.json").write_text("my notes", encoding="utf-8")
    assert main(["select", str(color_video), QUESTION, "--ocr", "off", "--output", str(tmp_path)]) == 2
    assert "selection.json is of no earlier question" in capsys.readouterr().err
    assert (tmp_path / "selection.json").read_text(encoding="utf-8") == "my notes"


@pytest.mark.parametrize("below", [".", "out"])
def test_an_output_that_cannot_be_a_folder_is_told_before_a_model_is_loaded(color_video, tmp_path, capsys, below):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    output = str(tmp_path / "notes.txt" / below)
    assert main(["select", str(color_video), QUESTION, "--model", "no-such-model", "--output", output]) == 2
    assert "--output must be a directory" in capsys.readouterr().err


def test_why(color_video, subtitles, capsys, monkeypatch):
    arguments = ["why", str(color_video), QUESTION, "--subtitles", str(subtitles), "--ocr", "off", "--at", "0:12"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "rank 1 of 30" in printed or "rank 2 of 30" in printed
    assert "walrus?" in printed
    assert "smallest --num-frames" in printed
    monkeypatch.setattr("clamr_select.indexing.explanation.MOST_FRAMES_TRIED", 1)
    assert main([*arguments[:-1], "0:02"]) == 0
    assert "selects it: more than 1\n" in capsys.readouterr().out


def test_why_takes_no_number_of_frames_since_it_tells_one(color_video, capsys):
    with pytest.raises(SystemExit):
        main(["why", str(color_video), QUESTION, "--at", "0:12", "--num-frames", "4"])
    assert "unrecognized arguments: --num-frames 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("754", 754.0), ("12:34", 754.0), ("1:02:03.5", 3723.5), (" 0:07 ", 7.0)]
)
def test_times(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "-5"])
def test_times_fail(text):
    with pytest.raises(InputError, match="--at"):
        parse_time(text)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"video": "no-such.mp4"}, "no-such.mp4"),
        ({"question": "  "}, "empty"),
        ({"--policy": "best"}, "topk_gap"),
        ({"--similarity": "mean"}, "token_max"),
        ({"--model": "no-such/model-directory/at-all"}, "clamr-nano"),
        ({"--num-frames": "0"}, "num-frames"),
        ({"--candidate-fps": "-1"}, "candidate_fps"),
        ({"--max-candidates": "0"}, "max_candidates"),
        ({"--subtitles": "no-such.srt"}, "no-such.srt"),
        ({"--backend": "vlc"}, "pyav"),
        ({"--device": "sofa"}, "sofa"),
        ({"--compat": "exact"}, "reference"),
        ({"--quantization": "3bit"}, "4bit"),
        ({"--base": "somewhere"}, "whole model"),
        ({"--audio": "maybe"}, "auto"),
        ({"--ocr": "maybe"}, "auto"),
        ({"--asr": "whisper"}, "pocketsphinx"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(color_video, capsys, change, word):
    given = {"video": str(color_video), "question": QUESTION, "--ocr": "off", **change}
    options = [part for name, value in given.items() if name.startswith("--") for part in (name, value)]
    assert main(["select", given["video"], given["question"], *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    message = [line for line in captured.err.splitlines() if line.startswith("clamr-select:")]
    assert len(message) == 1
    assert word in message[0]


def test_not_a_video_and_unreadable_subtitles(tmp_path, color_video, capsys):
    text = tmp_path / "notes.mp4"
    text.write_text("these are notes, not a video")
    assert main(["select", str(text), QUESTION]) == 2
    broken = tmp_path / "broken.srt"
    broken.write_bytes(b"\x00\x01\x02")
    assert main(["select", str(color_video), QUESTION, "--subtitles", str(broken)]) == 2
    errors = capsys.readouterr().err
    assert "notes.mp4" in errors
    assert "broken.srt" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "line",
    [
        ["select", LONG_NAME, QUESTION],
        ["ask", LONG_NAME, QUESTION],
        ["why", LONG_NAME, QUESTION, "--at", "1"],
        ["select", "VIDEO", QUESTION, "--model", LONG_NAME],
        ["select", "VIDEO", QUESTION, "--ocr", "off", "--subtitles", LONG_NAME],
        ["search", QUESTION, "--library", LONG_NAME],
        ["cache", "list", "--cache-dir", LONG_NAME],
    ],
)
def test_a_name_too_long_for_a_file_is_one_line(color_video, capsys, line):
    assert main([str(color_video) if part == "VIDEO" else part for part in line]) == 2
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("clamr-select:")]
    assert len(message) == 1
    assert "why is the answer" in message[0]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no Unicode")
def test_a_video_whose_name_is_no_unicode_is_printed_as_json(color_video, tmp_path, capsys):
    video = os.fsdecode(os.fsencode(tmp_path) + b"/talk\xff.mp4")
    shutil.copy(color_video, video)
    line = [video, QUESTION, "--ocr", "off", "--num-frames", "1"]
    assert main(["select", *line, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["video"] == video
    assert main(["ask", *line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["selection"]["video"] == video


@pytest.mark.parametrize(("content", "told"), [(b"", "holds no selection"), (b"\xff\xfe{", "is not UTF-8 text")])
@pytest.mark.parametrize("form", ["clips", "aks"])
def test_a_file_without_selections_is_not_exported(tmp_path, capsys, content, told, form):
    file = tmp_path / "selections.jsonl"
    file.write_bytes(content)
    assert main(["export", str(file), "--format", form, "--output", str(tmp_path / "out")]) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert f"{str(file)!r} {told}" in message


def test_large_blocks_go_back_to_the_system():
    """In a process of its own, since it changes how that process allocates."""
    code = "from clamr_select.cli.memory import return_large_blocks; return_large_blocks(); print('fine')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "fine\n"
    assert done.stderr == ""


def test_a_reader_who_leaves_ends_the_command_without_a_word():
    line = [sys.executable, "-m", "clamr_select.cli", "models", "--json"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (1, "")


def test_ctrl_c_while_the_model_loads_is_one_line(color_video, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(index, "load_selector", lambda _: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background

    status = main(["index", str(color_video), "--library", str(tmp_path / "library")])

    signal.signal(signal.SIGINT, before)
    assert (status, capsys.readouterr().err) == (130, "clamr-select: ended by Ctrl-C\n")
