"""What comes from files and models is shown on a terminal, and never obeyed by it."""

from __future__ import annotations

import io
import json
import sys

import pytest

from clamr_select.cli.printable import print_json, printable_line, printable_lines

BOX = "\ufffd"


@pytest.mark.parametrize("character", ["\x1b", "\r", "\x07", "\x9b", "\x7f", "\u202e", "\u2066", "\u2028", "\ud83d"])
def test_what_steers_a_terminal_is_replaced(character):
    assert printable_line(f"a{character}[2Jb") == f"a{BOX}[2Jb"
    assert printable_lines(f"a{character}[2Jb") == f"a{BOX}[2Jb"


def test_lines_and_tabs_are_kept_where_lines_are_wanted():
    assert printable_lines("a\n\tb") == "a\n\tb"
    assert printable_line("a\n\tb") == f"a{BOX}{BOX}b"


@pytest.mark.parametrize("text", ["où ça\xa0?", "日本\u3000語", "می\u200cخواهم", "👩\u200d🔬", "e\u0301"])
def test_words_of_every_script_stay_as_they_are(text):
    assert printable_line(text) == printable_lines(text) == text


def test_json_of_a_name_that_is_no_unicode_is_printed_and_read_back(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict"))
    print_json({"video": "ü\udcff.mp4"})
    sys.stdout.flush()
    printed = sys.stdout.buffer.getvalue().decode("utf-8")
    assert "ü\\udcff.mp4" in printed
    assert json.loads(printed) == {"video": "ü\udcff.mp4"}
