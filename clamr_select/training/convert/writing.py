"""Rows written as JSON lines, whole or not at all, and what became of each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clamr_select.errors import BadRowError, InputError
from clamr_select.training.data.report import BadRow, OnBadRow, check_on_bad_row, raise_if_bad, summary
from clamr_select.training.data.rows import parse_row

MAX_EXAMPLES = 3


@dataclass
class ConversionReport:
    """What was written, what was bad, and what rows lack."""

    num_rows: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=dict)
    """What is missing (``asr``, ``frames``, …) to the videos that lack it, each once: no fault, but said."""
    _said: set[tuple[str, str]] = field(default_factory=set, repr=False)

    def lacks(self, what: str, video_id: str) -> None:
        if (what, video_id) not in self._said:
            self._said.add((what, video_id))
            self.missing.setdefault(what, []).append(video_id)

    def lines(self) -> list[str]:
        lines = [f"{self.num_rows} rows written"]
        if self.bad_rows:
            lines.append(summary(self.bad_rows, num_rows=self.num_rows + len(self.bad_rows)))
        for what, video_ids in sorted(self.missing.items()):
            examples = ", ".join(video_ids[:MAX_EXAMPLES]) + (", …" if len(video_ids) > MAX_EXAMPLES else "")
            lines.append(f"no {what}: {len(video_ids)} videos ({examples})")
        return lines


Make = Callable[[], dict[str, Any]]
"""Makes one raw row, or raises ``InputError`` saying why it cannot."""


def write_rows(
    makers: Iterable[tuple[str, Make]], *, output: Path, report: ConversionReport, on_bad_row: OnBadRow, asked: bool
) -> None:
    """Make, check and write rows one by one; the file appears when all are written.

    Args:
        makers: (place, function that makes the row).
        asked: rows carry their questions.

    Raises:
        InputError: bad rows and ``on_bad_row="error"`` (nothing is written), or no good one.
    """
    check_on_bad_row(on_bad_row)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(output.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        for place, make in makers:
            try:
                raw = make()
                parse_row(raw, place=place, needs_query=asked)
            except BadRowError as error:
                report.bad_rows.append(BadRow.of(error))
            except InputError as error:
                report.bad_rows.append(BadRow(place, str(error)))
            else:
                file.write(json.dumps(raw, ensure_ascii=False) + "\n")
                report.num_rows += 1
    try:
        raise_if_bad(report.bad_rows, num_rows=report.num_rows + len(report.bad_rows), on_bad_row=on_bad_row)
        if not report.num_rows:
            raise InputError(f"no row could be made; {summary(report.bad_rows, num_rows=len(report.bad_rows))}")
    except InputError:
        partial.unlink()
        raise
    os.replace(partial, output)
