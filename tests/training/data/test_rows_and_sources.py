from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from clamr_select.errors import BadRowError, InputError
from clamr_select.training.data.asked import plain_video_id, read_queries
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.report import BadRow, BadRowLog, write_bad_rows
from clamr_select.training.data.rows import parse_row
from clamr_select.training.data.sources import ListSource, open_rows

GOOD: dict[str, Any] = {"video_id": "v", "query": "q", "query_type": "speech", "images": ["a.jpg"], "asr": " hello "}


def test_a_row_of_the_paper() -> None:
    row = parse_row({**GOOD, "ocr": None, "idx": 3}, place="rows.jsonl:1")
    assert (row.video_id, row.queries, row.target, row.images) == ("v", ("q",), "asr", ("a.jpg",))
    assert (row.asr, row.ocr, row.description) == ("hello", "", "")
    assert row.name == "rows.jsonl:1 (v)"
    assert parse_row({**GOOD, "query": ["a", "b"], "query_type": None}, place="").queries == ("a", "b")
    assert (row.relevance, parse_row({**GOOD, "relevance": 3}, place="").relevance) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"video_id": None}, "video_id must be text"),
        ({"video_id": " "}, "video_id must be text"),
        ({"query": ""}, "none blank"),
        ({"query": []}, "none blank"),
        ({"query": ["a", " "]}, "none blank"),
        ({"query": 3}, "none blank"),
        ({"query_type": "sound"}, "speech"),
        ({"query_type": ["asr"]}, "query_type"),
        ({"images": "a.jpg"}, "list of file names"),
        ({"images": [1]}, "list of file names"),
        ({"asr": float("nan")}, "asr must be text or null, got nan"),
        ({"images": [], "asr": "  "}, "nothing to encode"),
        ({"relevance": 0}, "above 0"),
        ({"relevance": "3"}, "above 0"),
        ({"video_id": "v\ud83d"}, "video_id must be text that UTF-8 can hold, got half of a surrogate pair"),
        ({"query": ["a", "b \ud83d"]}, "query must be text that UTF-8 can hold, .* at character 2"),
        ({"asr": "\ud83d"}, "asr must be text that UTF-8 can hold"),
        ({"title": "\ud83d"}, "title must be text that UTF-8 can hold"),
        ({"images": ["a.jpg", "\ud83d.jpg"]}, "images must be text that UTF-8 can hold"),
    ],
)
def test_a_bad_row_says_which_and_why(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRowError, match=words) as caught:
        parse_row({**GOOD, **change}, place="rows.jsonl:7")
    assert "rows.jsonl:7" in str(caught.value)
    assert str(copy.deepcopy(caught.value)) == str(caught.value)  # as a data loader's worker hands it over


def test_every_format_gives_the_same_rows(raw_rows: list[dict[str, Any]], rows_file: Path, tmp_path: Path) -> None:
    import datasets

    as_json = tmp_path / "rows.json"
    as_json.write_text(json.dumps(raw_rows), encoding="utf-8")
    plain = [{**row, "query": row["query"][0] if isinstance(row["query"], list) else row["query"]} for row in raw_rows]
    table = datasets.Dataset.from_list(plain)
    table.to_parquet(tmp_path / "rows.parquet")
    table.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": table, "validation": table.select([0])}).save_to_disk(tmp_path / "several")
    expected = [raw["video_id"] for raw in raw_rows]
    for path, split in (
        (rows_file, None),
        (as_json, None),
        ("rows.parquet", None),
        ("one", None),
        ("several", "train"),
    ):
        index = RowIndex(open_rows(tmp_path / path, split=split))
        assert [index[i].video_id for i in range(len(index))] == expected
        assert index[3].target == "description"
        assert index[1].images == tuple(raw_rows[1]["images"])
    assert len(open_rows(tmp_path / "several", split="validation")) == 1
    with pytest.raises(InputError, match="train, validation"):
        open_rows(tmp_path / "several")


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("x")
    (tmp_path / "rows.json").write_text("3")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "empty").mkdir()
    for name in ("rows.txt", "rows.json", "broken.json", "empty", "absent.jsonl"):
        with pytest.raises(InputError, match=name.split(".")[0]):
            open_rows(tmp_path / name)


def test_bad_rows_are_named_and_counted(raw_rows: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(row) for row in raw_rows]
    lines[2] = "{not json"
    lines[5] = json.dumps({**raw_rows[5], "query": ""})
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=r"2 of 16 rows are bad: .*rows\.jsonl:3.*rows\.jsonl:6 \(train_000005_v5\)"):
        RowIndex(open_rows(path))
    index = RowIndex(open_rows(path), on_bad_row="skip")
    assert len(index) == 14
    assert [bad.name for bad in index.bad_rows] == ["rows.jsonl:3", "rows.jsonl:6 (train_000005_v5)"]
    with pytest.raises(InputError, match=r"none of 7 rows .*; 7 of 7 .* bad: rows\[0\]: video_id .*; and 2 more"):
        RowIndex(ListSource([{}] * 7, name="rows"), on_bad_row="skip")


def test_videos_that_nobody_asks_about(raw_rows: list[dict[str, Any]]) -> None:
    silent = [{name: value for name, value in row.items() if not name.startswith("query")} for row in raw_rows]
    index = RowIndex(ListSource(silent, name="rows"), needs_query=False)
    assert len(index) == len(raw_rows)
    assert index[3].queries == ()
    with pytest.raises(InputError, match="query must be text"):
        RowIndex(ListSource(silent, name="rows"))


def test_synthetic_queries_are_joined(rows_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "queries.json"
    queries = {
        "000001_v1": {"query": "jinhae, harbour project", "query_type": "video"},
        "train_000002_v2": [{"query": "a", "query_type": "asr"}, {"query": "b", "query_type": "ocr"}],
    }
    path.write_text(json.dumps(queries), encoding="utf-8")
    asked, bad = read_queries(path)
    assert bad == []
    index = RowIndex(open_rows(rows_file), asked=asked)
    assert [(row.queries, row.target, row.description) for row in (index[0], index[1], index[2])] == [
        (("jinhae, harbour project",), "video", "a film about 1"),
        (("a",), "asr", "a film about 2"),
        (("b",), "ocr", "a film about 2"),
    ]
    assert index.video_ids == ["000001_v1", "000002_v2", "000002_v2"]


def test_queries_without_a_row_are_bad(rows_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(
        '{"video_id": "train_000001_v1", "query": "a", "query_type": "asr"}\n'
        '{"video_id": "nobody", "query": "a", "query_type": "asr"}\n'
        '{"video_id": "train_000001_v1", "query": "a", "query_type": "smell"}\n'
    )
    asked, bad = read_queries(path)
    index = RowIndex(open_rows(rows_file), asked=asked, bad_queries=bad, on_bad_row="skip")
    assert len(index) == 1
    assert [b.name for b in index.bad_rows] == ["queries.jsonl:3 (train_000001_v1)", "queries.jsonl:2 (nobody)"]
    with pytest.raises(InputError, match="2 of 19"):
        RowIndex(open_rows(rows_file), asked=asked, bad_queries=bad)
    with pytest.raises(InputError, match="no queries"):
        read_queries(tmp_path / "absent.json")


def test_half_a_surrogate_pair_makes_a_bad_query(tmp_path: Path) -> None:
    path = tmp_path / "queries.json"
    good = {"query": "a \U0001f600", "query_type": "asr"}
    path.write_text(json.dumps({"v\ud83d": good, "w": {**good, "query": "a \ud83d"}, "x": good}))
    asked, bad = read_queries(path)
    assert [entry.video_id for entry in asked] == ["x"]
    assert [entry.reason.split(" must")[0] for entry in bad] == ["video_id", "query"]


def test_a_name_that_utf8_cannot_hold_is_written_and_read_back(tmp_path: Path) -> None:
    bad = BadRow("queries.json[v\ud83d]", "video_id must be text")
    write_bad_rows([bad], path=tmp_path / "once.jsonl")
    log = BadRowLog(tmp_path / "log.jsonl")
    log.add(bad)
    assert log.read() == BadRowLog(tmp_path / "once.jsonl").read() == [bad]


def test_a_prefix_is_a_prefix() -> None:
    assert plain_video_id("train_trian1") == "trian1"
    assert plain_video_id("trian1") == "trian1"
