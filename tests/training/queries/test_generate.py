from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai import OpenAI

from clamr_select.cli import main
from clamr_select.errors import BadRowError, InputError, ModelNotFoundError, ServerError, ServerUnreachableError
from clamr_select.training.data.asked import read_queries
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.sources import ListSource, open_rows
from clamr_select.training.queries.checks import QueryChecks
from clamr_select.training.queries.generate import generate_queries
from clamr_select.training.queries.jobs import GenerationOptions
from clamr_select.training.queries.prompts import MAX_TEXT_CHARACTERS, Message, query_messages
from clamr_select.training.queries.writers import LocalWriter, OpenAIWriter

from .chat_server import ChatServer
from .tiny_models import save_picture_model, save_text_model


@pytest.fixture
def writer(server: ChatServer) -> OpenAIWriter:
    return OpenAIWriter.connect(server.url, model="tiny", temperature=0.0)


@pytest.fixture
def generate(videos: Path, writer: OpenAIWriter) -> Any:
    loader = FrameLoader(frames_dir=videos / "frames")
    arguments: dict[str, Any] = {"writer": writer, "output": videos / "queries.json", "loader": loader}
    return partial(generate_queries, open_rows(videos / "rows.jsonl"), **arguments)


def test_every_video_is_asked_about_in_every_modality_it_has(generate: Any, videos: Path, server: ChatServer) -> None:
    report = generate()
    assert dict(report.kept) == {"video": 4, "ocr": 3, "asr": 3, "description": 3}
    assert dict(report.empty) == {"ocr": 1, "asr": 1, "description": 1}
    asked, bad = read_queries(videos / "queries.json")
    assert bad == []
    assert [(a.video_id, a.target) for a in asked][:5] == [
        ("v0", "video"),
        ("v0", "ocr"),
        ("v0", "asr"),
        ("v0", "description"),
        ("v1", "video"),
    ]
    assert len({a.queries for a in asked}) == 13
    assert not asked[0].queries[0].startswith("1.")
    request = next(r for r in server.requests if "bridge number 1" in str(r["messages"][-1]["content"]))
    assert request["model"] == "tiny"
    assert request["messages"][0]["role"] == "system"
    assert "transcript" in request["messages"][0]["content"]
    asked_last = [r["messages"][-1]["content"] for r in server.requests]
    picture = next(content for content in asked_last if isinstance(content, list))
    assert [part["type"] for part in picture] == ["image_url", "text"]
    assert picture[0]["image_url"]["url"].startswith("data:image/jpeg;base64,")


def test_a_video_of_the_rows_name_is_asked_about_too(writer: OpenAIWriter, color_video: Path, tmp_path: Path) -> None:
    """As training finds it; and a row without one has no picture."""
    shutil.copy(color_video, tmp_path / "v1.mp4")
    rows = [{"video_id": "v1", "description": "a film"}, {"video_id": "v2", "description": "another"}]
    report = generate_queries(
        ListSource(rows, name="rows"),
        writer=writer,
        output=tmp_path / "queries.json",
        loader=FrameLoader(video_dir=tmp_path, num_frames=2),
        options=GenerationOptions(targets=("video",)),
    )
    assert dict(report.kept) == {"video": 1}
    assert dict(report.empty) == {"video": 1}


def test_refused_queries_are_counted_and_kept_apart(generate: Any, videos: Path, server: ChatServer) -> None:
    server.answers = {
        "bridge number 0": "today we repair bridge number 0 and go",
        "bridge number 1": "a question\nof two lines here",
        "bridge number 2": "a  Question!",
        "EXIT 0": "how Glaciers carve valleys",
        "EXIT 1": "  ",
    }
    checks = QueryChecks(held_out=["how glaciers carve valleys"])
    report = generate(checks=checks, options=GenerationOptions(targets=("asr", "ocr")))
    assert dict(report.kept) == {"asr": 1, "ocr": 1}
    assert dict(report.refused) == {"copied": 1, "duplicate": 1, "held out": 1, "no answer": 1}
    lines = (videos / "queries.json.journal.jsonl").read_text().splitlines()
    refused = [refused for line in map(json.loads, lines[1:]) for refused in line["refused"]]
    assert {r["reason"].split(":")[0] for r in refused} == set(report.refused)
    assert "refused: copied 1, duplicate 1, held out 1, no answer 1" in report.lines()


def test_an_answer_without_a_text_is_no_answer_and_the_others_go_on(generate: Any, server: ChatServer) -> None:
    """As of a model that refuses, or behind a filter of contents."""
    server.answers = {"bridge number 1": None}
    report = generate(options=GenerationOptions(targets=("asr",)))
    assert dict(report.kept) == {"asr": 2}
    assert dict(report.refused) == {"no answer": 1}


def test_texts_that_are_cut_are_counted_whether_asked_now_or_before(writer: OpenAIWriter, tmp_path: Path) -> None:
    lengths = {"whole": MAX_TEXT_CHARACTERS, "long": MAX_TEXT_CHARACTERS + 1}
    rows = [{"video_id": name, "asr": "w" * length, "ocr": "EXIT"} for name, length in lengths.items()]
    for _ in range(2):
        report = generate_queries(
            ListSource(rows, name="rows"),
            writer=writer,
            output=tmp_path / "queries.json",
            options=GenerationOptions(targets=("asr", "ocr")),
        )
        assert dict(report.cut) == {"asr": 1}
        assert "texts read to character 4000 and no further: asr 1" in report.lines()


def test_several_queries_and_an_answer_that_was_cut(generate: Any, server: ChatServer) -> None:
    server.answers = {"bridge number": "first of them\nsecond of them all\nthird and las"}
    server.finish_reason = "length"
    report = generate(options=GenerationOptions(targets=("asr",), num_queries=3))
    assert dict(report.kept) == {"asr": 2}
    assert dict(report.refused) == {"duplicate": 4}


def test_it_goes_on_after_any_stop(generate: Any, videos: Path, server: ChatServer) -> None:
    options = GenerationOptions(parallel_requests=2)
    generate(options=options)
    whole, count = (videos / "queries.json").read_bytes(), len(server.requests)
    journal = videos / "queries.json.journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept, torn in ((0, b""), (0, b'{"settings'), (4, b'{"video_id": "v1", "tar'), (9, b""), (len(lines), b"")):
        journal.write_bytes(b"".join(lines[:kept]) + torn)
        (videos / "queries.json").unlink()
        server.requests.clear()
        generate(options=options)
        assert (videos / "queries.json").read_bytes() == whole
        assert journal.read_bytes() == b"".join(lines)
        assert len(server.requests) == count - max(0, kept - 1)
    with pytest.raises(InputError, match="other settings"):
        generate(options=GenerationOptions(seed=1))
    with pytest.raises(InputError, match="other settings"):
        generate(checks=QueryChecks(held_out=["something else"]))
    for broken in (
        b"{torn\n",
        b"[]\n",
        b"{}\n",
        b'{"video_id": "v1", "target": "asr", "queries": [], "refused": [1]}\n',
    ):
        journal.write_bytes(lines[0] + broken + lines[2])
        with pytest.raises(InputError, match="line 2"):
            generate(options=options)
    journal.write_bytes(b"[]\n" + lines[1])
    with pytest.raises(InputError, match="line 1"):
        generate(options=options)


@pytest.mark.slow
def test_sigkill_and_the_same_command_again(videos: Path, server: ChatServer) -> None:
    line = [sys.executable, "-m", "clamr_select.cli", "make-queries", str(videos / "rows.jsonl")]
    line += ["--frames-dir", str(videos / "frames"), "--output", str(videos / "queries.json")]
    line += ["--endpoint", server.url, "--model", "tiny", "--parallel", "1"]
    server.hang_after = 5
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(server.requests) < 6:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (videos / "queries.json").exists()
    server.hang_after = None
    server.requests.clear()
    assert main(line[3:]) == 0
    assert len(server.requests) in (8, 9)  # of 13; five answered, the last of them perhaps not yet written
    asked, _ = read_queries(videos / "queries.json")
    assert len(asked) == 13


def test_the_command_says_what_is_wrong(videos: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["make-queries", str(videos / "rows.jsonl"), "--output", str(videos / "q.json"), "--model", "tiny"]
    for more, words in (
        (["--endpoint", server.url, "--targets", "smell"], "query target"),
        (["--endpoint", server.url, "--no-images"], "leave video out"),
        (["--endpoint", server.url, "--api-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY"),
        (["--endpoint", server.url, "--temperature", "-1"], "--temperature"),
        (["--endpoint", server.url, "--held-out", "absent.txt"], "absent.txt"),
        (["--endpoint", server.url], "no frames_dir"),
    ):
        assert main([*line, *more]) == 2
        assert words in capsys.readouterr().err
    held_out = videos / "held_out.txt"
    held_out.write_text("how glaciers carve valleys\n")
    more = ["--targets", "asr", "--held-out", str(held_out), "--test-rows", str(videos / "rows.jsonl")]
    assert main([*line, "--endpoint", server.url, *more]) == 0
    captured = capsys.readouterr()
    assert "3 queries for 4 videos: asr 3" in captured.out
    assert f"{videos / 'rows.jsonl'}: 3 of 4 rows have a title" in captured.err


def test_servers_that_fail(generate: Any, server: ChatServer, videos: Path) -> None:
    server.status = 400
    with pytest.raises(ServerError, match="out of paper"):
        generate()
    client = OpenAI(base_url="http://127.0.0.1:9/v1", api_key="none", max_retries=0)
    with pytest.raises(ServerUnreachableError, match="no answer"):
        generate(writer=OpenAIWriter(client, model="tiny", temperature=0.0))


def test_bad_rows(videos: Path, writer: OpenAIWriter) -> None:
    rows = [{"video_id": "v0", "images": ["gone.jpg"], "asr": "hello there"}, {"asr": "no id"}]
    arguments: dict[str, Any] = {"writer": writer, "loader": FrameLoader(frames_dir=videos / "frames")}
    source = ListSource(rows, name="rows")
    with pytest.raises(BadRowError, match=r"rows\[[01]\]"):
        generate_queries(source, output=videos / "strict.json", **arguments)
    skip = GenerationOptions(on_bad_row="skip")
    report = generate_queries(source, output=videos / "skip.json", options=skip, **arguments)
    assert dict(report.kept) == {"asr": 1}
    assert sorted(bad.name for bad in report.bad_rows) == ["rows[0] (v0)", "rows[1]"]
    with pytest.raises(InputError, match="at least 1"):
        GenerationOptions(num_queries=0)


@pytest.fixture(scope="module")
def tiny_chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tiny_chat_model")
    save_text_model(directory)
    return directory


def test_a_local_model_writes(tiny_chat_model: Path, videos: Path) -> None:
    writer = LocalWriter.from_pretrained(str(tiny_chat_model), temperature=1.0, max_tokens=12)
    assert not writer.takes_images
    messages = query_messages("asr", text="the bridge is repaired")
    once, again, other = (writer.write(messages, seed=seed) for seed in (1, 1, 2))
    assert once == again
    assert once.text != other.text
    assert once.cut_off
    arguments: dict[str, Any] = {"writer": writer, "output": videos / "local.json"}
    source = open_rows(videos / "rows.jsonl")
    with pytest.raises(InputError, match="does not; leave video out"):
        generate_queries(source, loader=FrameLoader(frames_dir=videos / "frames"), **arguments)
    # a random model ends no line: every answer is refused, and said to be
    with pytest.raises(InputError, match="no query was kept"):
        generate_queries(source, options=GenerationOptions(targets=("asr", "ocr")), **arguments)


def test_a_local_model_sees_the_frames(tmp_path: Path) -> None:
    save_picture_model(tmp_path)
    writer = LocalWriter.from_pretrained(str(tmp_path), temperature=1.0, max_tokens=24)
    assert writer.takes_images
    black, noise = (np.random.default_rng(0).integers(0, top, (36, 64, 3), dtype=np.uint8) for top in (1, 256))
    answers = {writer.write([Message("user", "what?", [frame])], seed=0).text for frame in (black, noise)}
    assert len(answers) == 2
    assert writer.write(query_messages("video", frames=[black, noise]), seed=0).cut_off


def test_local_models_that_are_none(tmp_path: Path, tiny_chat_model: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="cannot load"):
        LocalWriter.from_pretrained(str(tmp_path))
    tokenizer_file = tiny_chat_model / "chat_template.jinja"
    template = tokenizer_file.read_text()
    tokenizer_file.unlink()
    try:
        with pytest.raises(InputError, match="chat template"):
            LocalWriter.from_pretrained(str(tiny_chat_model))
    finally:
        tokenizer_file.write_text(template)
