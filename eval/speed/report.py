"""Records as a Markdown table, and the machine they come from."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("torch", "transformers", "numpy")


def markdown_table(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table with a column for every key; none for no records."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    if not columns:
        return []
    lines = ["| " + " | ".join(columns) + " |", "|---" + "|--:" * (len(columns) - 1) + "|"]
    lines += ["| " + " | ".join(cell(record.get(column)) for column in columns) + " |" for record in records]
    return lines


def cell(value: Any) -> str:
    """Three significant digits; whole numbers whole; a timing with its quartiles; empty for what is not there."""
    if value is None:
        return ""
    if isinstance(value, Mapping):  # a timing
        return f"{cell(value['median'])} ({cell(value['low'])}–{cell(value['high'])})"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine_facts() -> dict[str, Any]:
    """Date, Python and packages."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        **{name: installed for name in PACKAGES if (installed := _version(name)) is not None},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
