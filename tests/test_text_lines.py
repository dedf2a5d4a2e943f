from __future__ import annotations

from pathlib import Path

import pytest

from clamr_select import text_lines
from clamr_select.errors import InputError
from clamr_select.text_lines import cut_torn_line, numbered_lines


def test_line_feeds_end_lines(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes("\ufeffone\u2028two\x85\r\n\n  \nthree".encode())

    assert numbered_lines(file) == [(1, "one\u2028two\x85"), (4, "three")]


def test_what_is_not_utf8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes("café".encode("latin-1"))

    with pytest.raises(InputError, match=r"list\.txt' is not UTF-8 text: .*; save it as UTF-8"):
        numbered_lines(file)


@pytest.mark.parametrize("block_bytes", [1, 3, 64 * 1024])
@pytest.mark.parametrize(
    ("written", "whole"),
    [
        (b"", b""),
        (b"one\n", b"one\n"),
        (b"one\ntwo\n", b"one\ntwo\n"),
        (b"one\ntw", b"one\n"),
        (b"one", b""),
        (b"\n\n\xc3", b"\n\n"),
    ],
)
def test_a_torn_line_is_cut_off(
    written: bytes, whole: bytes, block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_lines, "BLOCK_BYTES", block_bytes)
    file = tmp_path / "lines"
    file.write_bytes(written)

    cut_torn_line(file)

    assert file.read_bytes() == whole


def test_where_no_file_is_nothing_is_torn(tmp_path: Path) -> None:
    cut_torn_line(tmp_path / "none")
    assert not (tmp_path / "none").exists()
