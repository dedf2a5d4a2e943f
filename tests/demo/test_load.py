"""Visitors at once, with fewer of them than docs/demo.md reports: all served, each with their own data."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.demo.load_test import Asked, Outcome, main, report, run
from clamr_select.errors import InputError


@pytest.mark.slow
def test_visitors_at_once_are_served_in_order_with_their_own_data() -> None:
    outcome = run(num_visitors=5, num_questions=15)

    assert outcome.errors == []
    assert len(outcome.asked) == 15
    assert all(asked.is_own for asked in outcome.asked)
    assert outcome.num_overtaken <= 1  # on a busy machine two may cross on their way to the server


def test_an_outcome_counts_who_was_overtaken_and_what_grew() -> None:
    asked = [Asked(0, 0.0, 9.0, True), Asked(1, 0.5, 8.0, True), Asked(2, 3.0, 8.5, False), Asked(3, 3.1, 10.0, True)]
    outcome = Outcome(asked, memory_mib=[1, 5, 100, 100, 102, 102, 104, 106])

    assert outcome.num_overtaken == 1  # the third before the first; the second came within a second of the first
    assert outcome.growth_mib == 5.0
    told = report(outcome)
    assert "with one's own data 3" in told
    assert "overtaken           1" in told
    assert "longest 9.00" in told


@pytest.mark.parametrize(
    "arguments", [{"num_visitors": 0, "num_questions": 1}, {"num_visitors": 21, "num_questions": 99}]
)
def test_wrong_numbers_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(InputError, match="visitors are 1 to 20"):
        run(**arguments)


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--visitors" in capsys.readouterr().out
