"""The value object: what it refuses, and that JSON loses nothing."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace

import pytest

from clamr_select.errors import InputError
from clamr_select.selection import CandidateScores, Selection


def test_json_round_trip_loses_nothing(color_selection, tmp_path):
    path = tmp_path / "selection.json"
    unusual = replace(
        color_selection,
        question='"Quotes", 日本語\nand ½ <b>?',
        timestamps_seconds=tuple(t + 1 / 3 for t in color_selection.timestamps_seconds),
    )
    unusual.save(path)
    assert Selection.load(path) == unusual
    assert next(iter(json.loads(path.read_text(encoding="utf-8")))) == "schema_version"
    assert "日本語" in path.read_text(encoding="utf-8")


def test_to_dict_is_plain_json_and_its_inverse(color_selection):
    data = json.loads(json.dumps(color_selection.to_dict()))
    assert set(data) == {"schema_version"} | {field.name for field in fields(Selection)}
    assert Selection.from_dict(data) == color_selection


def test_candidates_can_be_left_out(color_selection):
    data = color_selection.to_dict(include_candidates=False)
    assert "candidates" not in data
    assert Selection.from_dict(data) == replace(color_selection, candidates=None)


def test_optional_fields_may_be_missing(color_selection):
    data = color_selection.to_dict()
    for name in ("warnings", "timings_seconds", "candidates"):
        del data[name]
    assert Selection.from_dict(data) == replace(color_selection, warnings=(), timings_seconds={}, candidates=None)


def test_the_name_of_the_video_need_not_be_unicode(color_selection, tmp_path):
    named = replace(color_selection, video=os.fsdecode(b"caf\xe9 \xe6\x97\xa5.mp4"))
    named.save(tmp_path / "selection.json")
    assert "日" in (tmp_path / "selection.json").read_text(encoding="utf-8")
    assert Selection.load(tmp_path / "selection.json") == named


def test_length_and_repr_are_short(color_selection):
    assert len(color_selection) == 8
    assert repr(color_selection).startswith("Selection(8 frames at [4.00, 10.00, ")
    assert "…" not in repr(color_selection)
    assert len(repr(color_selection)) < 200


def test_loaded_fields_are_tuples(color_selection):
    loaded = Selection.from_dict(json.loads(json.dumps(color_selection.to_dict())))
    assert isinstance(loaded.candidates, CandidateScores)
    assert isinstance(loaded.candidates.scores_by_modality["ocr"], tuple)
    assert isinstance(loaded.scores_by_modality["ocr"], tuple)
    assert hash(loaded.frame_indices) == hash(color_selection.frame_indices)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": (0.1,)}, r"equal length, got .*'scores': 1"),
        ({"text": ()}, r"equal length, got .*'text': 0"),
        ({"scores_by_modality": {"asr": (0.1, None)}}, r"scores_by_modality\['asr'\]\": 2"),
        ({"frame_indices": (0, 1, 2, 3, 4, 5, 7, 7)}, "strictly increasing, got"),
        ({"frame_indices": (0, 1, 2, 3, 4, 5, 7, 6)}, "strictly increasing, got"),
    ],
)
def test_fields_that_do_not_fit_fail(color_selection, changes, message):
    with pytest.raises(InputError, match=message):
        replace(color_selection, **changes)


def test_other_schema_version_fails(color_selection):
    data = color_selection.to_dict()
    with pytest.raises(InputError, match="schema_version 99; this version reads 1"):
        Selection.from_dict({**data, "schema_version": 99})
    with pytest.raises(InputError, match="schema_version None"):
        Selection.from_dict({name: value for name, value in data.items() if name != "schema_version"})


def test_missing_field_fails(color_selection):
    data = color_selection.to_dict()
    del data["scores"], data["question"]
    with pytest.raises(InputError, match="selection lacks the fields question, scores"):
        Selection.from_dict(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("video", 5),
        ("frame_indices", None),
        ("frame_indices", ["a"] * 8),
        ("frame_indices", [-1, 1, 2, 3, 4, 5, 6, 7]),
        ("frame_indices", [*range(7), 10**30]),
        ("timestamps_seconds", ["1"] * 8),
        ("scores", [10**400] * 8),
        ("timestamps_seconds", [float("nan")] * 8),
        ("scores", {}),
        ("scores_by_modality", [1]),
        ("scores_by_modality", {"asr": "12345678"}),
        ("modality", [None] * 8),
        ("text", ["words"] * 8),
        ("method", "topk"),
        ("video_facts", {}),
        ("video_facts", None),
        ("warnings", [{"code": "no_asr"}]),
        ("timings_seconds", {"score": "fast"}),
        ("candidates", {}),
        ("candidates", {"frame_indices": 1, "timestamps_seconds": [], "scores": [], "scores_by_modality": {}}),
        ("candidates", {"frame_indices": [1], "timestamps_seconds": [], "scores": [], "scores_by_modality": {}}),
    ],
)
def test_a_field_of_another_kind_is_named(color_selection, name, value):
    with pytest.raises(InputError, match=name):
        Selection.from_dict({**color_selection.to_dict(), name: value})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", "is not a saved selection"),
        (b"\xff\xfe", "is not a saved selection"),
        (b"[1, 2]", "got a JSON list, expected an object"),
        (b'{"schema_version": ' + b"1" * 5000 + b"}", "is not a saved selection"),
        (b"[" * 100_000, "is not a saved selection"),
    ],
)
def test_file_that_is_no_selection_fails(tmp_path, content, message):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Selection.load(path)


def test_methods_reach_their_rooms(color_selection):
    assert color_selection.frames(max_side=64)[0].shape == (36, 64, 3)
    assert color_selection.contact_sheet().mode == "RGB"
    assert color_selection.timeline().size == (1200, 400)
    assert "data:image/jpeg;base64," in color_selection._repr_html_()
