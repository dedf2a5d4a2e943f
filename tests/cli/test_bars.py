"""Progress is drawn for a person at a terminal, and for nobody else."""

from __future__ import annotations

import io
import sys

import pytest

from clamr_select.cli.bars import Bars


class Terminal(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_one_bar_a_stage_on_a_terminal_only(monkeypatch, is_terminal):
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    with Bars() as bars:
        for done in (1, 2, 3):
            bars("decoding", done, 3)
        bars("encoding", 3, 3)
    drawn = terminal.getvalue()
    assert ("decoding" in drawn and "encoding" in drawn and "3/3" in drawn) == is_terminal
    assert is_terminal or drawn == ""
