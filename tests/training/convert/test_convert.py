from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clamr_select.errors import InputError
from clamr_select.training.convert.msrvtt import convert_msrvtt
from clamr_select.training.convert.multivent import (
    Multivent,
    convert_documents,
    convert_judged,
    convert_synthetic,
    query_type,
)
from clamr_select.training.convert.tables import read_pairs
from clamr_select.training.convert.writing import ConversionReport
from clamr_select.training.data.dataset import RowBatches
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.sources import open_rows

from .make_copies import write_msrvtt, write_multivent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_multivent(tmp_path)
    write_msrvtt(tmp_path / "msrvtt")
    return tmp_path


@pytest.fixture
def copy(root: Path) -> Multivent:
    return Multivent(root, root / "mapping.json", frames_dir=root / "frames")


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_human_queries(root: Path, copy: Multivent) -> None:
    output = root / "out" / "rows.jsonl"
    queries, judgments = root / "multivent_2_train_queries.csv", root / "multivent_2_train_judgments.jsonl"
    report = convert_judged(copy, queries=queries, judgments=judgments, output=output)
    rows = written(output)
    assert report.num_rows == len(rows) == 4
    assert report.bad_rows == []
    assert rows[0] == {
        "video_id": "train_000884_Wp2WiEz439s",
        "images": [f"train_000884_Wp2WiEz439s_frame_{n}.jpg" for n in (0, 90, 1200)],
        "ocr": "sign 0, left NA sign 90, left NA sign 1200, left NA",
        "asr": "hello, from Wp2WiEz439s good\nbye",
        "description": "About Wp2WiEz439s.",
        "title": "Title of Wp2WiEz439s",
        "query": "cup final, second half",
        "query_type": "video",
        "query_id": "intl_sports_pov_base_0",
        "relevance": 1,
    }
    assert [row["query_type"] for row in rows] == ["video", "speech", "ocr", "ocr"]
    assert rows[1]["video_id"] == "train_000884__nia-r_tA1"
    assert rows[1]["query"] == 'the pitcher says "no, not today", and leaves'
    assert rows[2]["description"] == ""
    batches = RowBatches(RowIndex(open_rows(output)), loader=FrameLoader(frames_dir=root / "frames"), batch_size=4)
    batch = batches[0]
    (flood,) = {q.positive_documents for q in batch.queries if q.text == "evacuation route 7"}
    assert len(flood) == 2
    assert {q.target for q in batch.queries} == {"video", "asr", "ocr"}


def test_synthetic_queries(root: Path, copy: Multivent) -> None:
    report = convert_synthetic(copy, queries=root / "synthetic.json", output=root / "rows.jsonl")
    rows = written(root / "rows.jsonl")
    assert report.num_rows == 2
    assert [(row["video_id"], row["query"], row["query_type"]) for row in rows] == [
        ("train_000884_Wp2WiEz439s", "goal, then a red card", "video"),
        ("train_000912_trian1", "good bye", "asr"),
    ]


def test_what_is_missing_is_counted(root: Path, copy: Multivent) -> None:
    (root / "frames" / "train_000884_Wp2WiEz439s_frame_90.jpg").unlink()
    (root / "train" / "000912" / "trian1.json").unlink()
    report = convert_documents(copy, output=root / "rows.jsonl")
    assert report.missing == {
        "frames": ["train_000912_silent"],
        "OCR": ["train_000912_silent"],
        "ASR": ["train_000912_silent"],
        "metadata": ["train_000912_trian1"],
    }
    assert "no metadata: 1 videos (train_000912_trian1)" in report.lines()
    rows = written(root / "rows.jsonl")
    assert [len(row["images"]) for row in rows] == [2, 1, 2, 0]
    assert "query" not in rows[0]


def test_a_video_that_lacks_something_is_counted_once_whatever_asks_for_it() -> None:
    report = ConversionReport()
    for video in ("a", "b", "a", "b", "c"):
        report.lacks("ASR", video)
    report.lacks("OCR", "a")
    assert report.missing == {"ASR": ["a", "b", "c"], "OCR": ["a"]}


def test_bad_rows_are_named_and_nothing_is_written(root: Path, copy: Multivent) -> None:
    judgments = root / "multivent_2_train_judgments.jsonl"
    lines = judgments.read_text().splitlines()
    lines += [
        '{"query_id": "flood_news_ocr_1", "doc_id": "gone", "relevance": 1}',
        '{"query_id": "nobody_ocr_1", "doc_id": "trian1", "relevance": 1}',
        '{"query_id": "x"}',
        "{torn",
    ]
    judgments.write_text("\n".join(lines))
    speech = root / "features/train/exp/scale24/data/video/baseline/train/speech_to_text/speech_to_text"
    (speech / "000884" / "_nia-r_tA1.m4a.csv").write_text("start,end\n0,1\n")
    arguments: Any = {"queries": root / "multivent_2_train_queries.csv", "judgments": judgments}
    output = root / "rows.jsonl"
    with pytest.raises(InputError, match="5 of 8 rows are bad"):
        convert_judged(copy, **arguments, output=output)
    assert not output.exists()
    assert not list(root.glob("*.partial"))
    report = convert_judged(copy, **arguments, output=output, on_bad_row="skip")
    assert report.num_rows == len(written(output)) == 3
    reasons = " ".join(bad.reason for bad in report.bad_rows)
    for words in ("no column 'text'", "no video gone", "no query nobody_ocr_1", "a judgment needs", "not JSON"):
        assert words in reasons
    assert report.bad_rows[1].name.startswith("multivent_2_train_judgments.jsonl:6")


def test_a_query_id_with_two_texts_is_a_bad_row(root: Path, copy: Multivent) -> None:
    queries, judgments = root / "multivent_2_train_queries.csv", root / "multivent_2_train_judgments.jsonl"
    query_id, text = queries.read_text().splitlines()[1].split(",", 1)
    used = [line for line in judgments.read_text().splitlines() if query_id in line]
    judgments.write_text("\n".join(used))
    output = root / "rows.jsonl"
    with queries.open("a") as file:
        file.write(f"{query_id},{text}\n")  # the same once more is no contradiction
    assert convert_judged(copy, queries=queries, judgments=judgments, output=output).num_rows == len(used) > 0
    with queries.open("a") as file:
        file.write(f"{query_id},something else\n")
    with pytest.raises(InputError, match=f"2 queries are called {query_id}"):
        convert_judged(copy, queries=queries, judgments=judgments, output=output)


@pytest.mark.parametrize(
    ("query_id", "kind"),
    [
        ("intl_pov_base_0", "video"),
        ("baseball_2019_speech_3", "speech"),
        ("database_x_ocr0", "ocr"),
        ("speech_contest_description_1", "description"),
    ],
)
def test_the_kind_of_a_query(query_id: str, kind: str) -> None:
    assert query_type(query_id) == kind


def test_a_query_without_a_kind() -> None:
    with pytest.raises(InputError, match="baseball_finals_2"):
        query_type("baseball_finals_2")


def test_commas_without_quotes(tmp_path: Path) -> None:
    path = tmp_path / "queries.csv"
    path.write_text("\ufeffquery_id,query\nq0,first, second, third\nq1,plain\n", encoding="utf-8")
    assert [(i, text) for _, i, text in read_pairs(path)] == [("q0", "first, second, third"), ("q1", "plain")]
    path.write_text("query_id,query,language\nq0,first, second,en\n")
    with pytest.raises(InputError, match=r"row 2 of .* has 4 fields"):
        list(read_pairs(path))


@pytest.mark.parametrize(
    "mapping", ['["a"]', '{"Wp2.mp4": [1]}', '{"000884/Wp2.mp4": "1"}', '{"000884/Wp2.mp4": [-1]}', "{"]
)
def test_mappings_that_are_none(root: Path, copy: Multivent, mapping: str) -> None:
    (root / "mapping.json").write_text(mapping)
    with pytest.raises(InputError, match=r"mapping\.json"):
        convert_documents(copy, output=root / "rows.jsonl")


def test_msrvtt(root: Path) -> None:
    source, output = root / "msrvtt", root / "rows.jsonl"
    convert_msrvtt(source / "MSRVTT_data.json", output=output, split="train", ids=source / "MSRVTT_train.9k.csv")
    rows = written(output)
    assert [row["video_id"] for row in rows] == ["video2", "video0"]
    assert rows[0]["query"] == ["a person, number 2, does thing 0", "a person, number 2, does thing 1"]
    assert (rows[0]["video"], rows[0]["query_type"]) == ("video2.mp4", "video")
    report = convert_msrvtt(source / "MSRVTT_data.json", output=output, asr_dir=source / "asr")
    assert [row["asr"] for row in written(output)] == ["welcome back", "", "", ""]
    assert report.missing == {"ASR": ["video1", "video2", "video3"]}
    convert_msrvtt(source / "MSRVTT_data.json", output=output, ids=source / "MSRVTT_JSFUSION_test.csv")
    assert [row["query"] for row in written(output)] == [["a woman, singing, on stage"]]
    convert_msrvtt(source / "msrvtt_ret_train9k.json", output=output)
    assert [row["query"] for row in written(output)] == [[f"a, {i}", f"b {i}"] for i in range(3)]


def test_msrvtt_that_cannot_be_read(root: Path) -> None:
    source, output = root / "msrvtt", root / "rows.jsonl"
    captions = source / "MSRVTT_data.json"
    with pytest.raises(InputError, match="no captions"):
        convert_msrvtt(captions, output=output, split="spring")
    (source / "ids.csv").write_text("video_id\nvideo9\nvideo0\n")
    with pytest.raises(InputError, match="no captions of video9"):
        convert_msrvtt(captions, output=output, ids=source / "ids.csv")
    (source / "ids.csv").write_text("id\nvideo0\n")
    with pytest.raises(InputError, match="no column 'video_id'"):
        convert_msrvtt(captions, output=output, ids=source / "ids.csv")
    (source / "other.json").write_text('{"videos": []}')
    with pytest.raises(InputError, match="sentences"):
        convert_msrvtt(source / "other.json", output=output)
