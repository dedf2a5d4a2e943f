"""Keys: another content has another key, the same content the same key."""

from __future__ import annotations

import math

import pytest

from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.store import Key, content_digest

DIFFERENT = [
    ("embeddings", {"a": "b"}),
    ("embeddings", {"a": ["b"]}),
    ("embeddings", {"a": "b,"}),
    ("embeddings", {"a": 'b","c":"d'}),
    ("embeddings", {"a": "b", "c": "d"}),
    ("embeddings", {"ab": ""}),
    ("embeddings", {"a": None}),
    ("embeddings", {"a": "null"}),
    ("embeddings", {"a": 1}),
    ("embeddings", {"a": "1"}),
    ("embeddings", {"a": True}),
    ("embeddings", {"a": 1.5}),
    ("embeddings", {"a": []}),
    ("embeddings", {"a": [[]]}),
    ("embeddings", {"a": [1, 2]}),
    ("embeddings", {"a": [12]}),
    ("embeddings", {"a": {}}),
    ("embeddings", {}),
    ("embeddings", {"a": "é"}),
    ("embeddings", {"a": "e\u0301"}),
    ("embeddings", {"a": "\ud800"}),
    ("transcript", {"a": "b"}),
    ("transcript", {"a": 'b\ntranscript\n{"a":"b"}'}),
]


def test_what_differs_has_another_key() -> None:
    keys = [Key(kind, values) for kind, values in DIFFERENT]
    digests = [key.digest for key in keys]

    assert len(set(digests)) == len(set(keys)) == len(DIFFERENT)
    assert all((one == other) == (one is other) for one in keys for other in keys)
    assert all(len(digest) == 64 for digest in digests)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}),
    ],
)
def test_order_of_names_and_type_of_sequence_do_not_matter(one: dict, other: dict) -> None:
    assert Key("ocr", one).digest == Key("ocr", other).digest
    assert Key("ocr", one) == Key("ocr", other)
    assert len({Key("ocr", one), Key("ocr", other)}) == 1


@pytest.mark.parametrize(
    "values", [{1: "a"}, {"a": {1: "b"}}, {"a": [{None: 1}]}, {"a": math.nan}, {"a": math.inf}, {"a": b"x"}, {"a": {1}}]
)
def test_what_is_not_json_is_refused(values: dict) -> None:
    with pytest.raises(InputError):
        Key("ocr", values)


@pytest.mark.parametrize("kind", ["", "Upper", "../up", "a/b", "1st", "x" * 33, "damaged", "a\n"])
def test_a_kind_is_a_plain_name(kind: str) -> None:
    with pytest.raises(InputError, match="kind must be"):
        Key(kind, {})


def test_an_edited_file_is_another_content(tmp_path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"a" * 5000)
    before = content_digest(path)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(path.read_bytes())
    stamp = path.stat()
    with path.open("r+b") as file:  # in place, same size, same times: what a look at the folder does not show
        file.seek(4000)
        file.write(b"b")
    import os

    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert content_digest(copy) == before
    assert content_digest(path) != before


def test_no_file_has_no_content(tmp_path) -> None:
    with pytest.raises(VideoNotFoundError, match="no such file"):
        content_digest(tmp_path / "absent.mp4")
