"""CSV files, read as CSV: text with commas, quotes and line breaks in it stays whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from clamr_select.errors import InputError


def read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows, blank lines left out; ([], []) for an empty file.

    Raises:
        InputError: not there, not UTF-8, or not CSV.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not CSV in UTF-8: {error}") from error
    return (rows[0], rows[1:]) if rows else ([], [])


def read_column(path: Path, column: str) -> list[str]:
    """The values of a column that are not blank; [] for an empty file.

    Raises:
        InputError: as :func:`read_table`, or there is no such column.
    """
    header, rows = read_table(path)
    if not header:
        return []
    if column not in header:
        raise InputError(f"{path} has no column {column!r}; it has {', '.join(header)}")
    position = header.index(column)
    values = (row[position].strip() for row in rows if position < len(row))
    return [value for value in values if value]


def read_pairs(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, first field, second field) of a table of ids and texts.

    Text that was written with commas and without quotes falls into more fields than the header has: where the
    header has two, they are joined again.

    Raises:
        InputError: as :func:`read_table`, or fewer than two columns, or too many fields in a wider table.
    """
    header, rows = read_table(path)
    if len(header) < 2:
        raise InputError(f"{path} needs a header of two columns or more, got {header}")
    for line, row in enumerate(rows, start=2):
        if len(row) < 2 or (len(row) > len(header) > 2):
            raise InputError(f"row {line} of {path} has {len(row)} fields under a header of {len(header)}")
        yield line, row[0].strip(), (",".join(row[1:]) if len(header) == 2 else row[1]).strip()
