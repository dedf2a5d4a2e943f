"""One file of selections that several processes write: a part each, joined by whoever finds them all there.

Nothing is locked and no process waits for another: a process group would give up on one that takes minutes longer.
Parts of an earlier run count, whatever number of processes wrote them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Set
from glob import escape
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.options import SamplerOptions

Key = tuple[str, int, str]
"""(task, number of the document, video)"""


def part_of(output: Path, rank: int) -> Path:
    return output.with_name(f"{output.stem}.part{rank}{output.suffix}")


def finished(output: Path, *, options: SamplerOptions) -> set[Key]:
    """What ``output`` and its parts hold.

    Raises:
        InputError: one of them was made with other options, or is another file than ours, which would be replaced.
    """
    if output.is_dir():
        raise InputError(f"{output} is a folder; --output names a file")
    wanted = json.loads(json.dumps(options.selecting()))
    done: set[Key] = set()
    for file in _files(output):
        for row, _ in _rows(file, is_part=file != output):
            if row["options"] != wanted:
                raise InputError(f"{file} was made with other options; remove it, or choose another --output")
            done.add(_key(row))
    return done


def join(output: Path, *, keys: Set[Key]) -> Path | None:
    """One file of all parts, which are removed; None while they do not hold every key."""
    try:
        parts = _files(output)
        lines = {_key(row): line for part in parts for row, line in _rows(part, is_part=part != output)}
    except FileNotFoundError:
        # another process has just joined them
        return output if output.is_file() else None
    if not keys <= lines.keys():
        return None
    whole = output.with_name(f"{output.stem}.joining{os.getpid()}{output.suffix}")
    whole.write_text("".join(lines[key] + "\n" for key in sorted(lines)), encoding="utf-8")
    whole.replace(output)
    for part in parts:
        if part != output:
            part.unlink(missing_ok=True)
    return output


def _files(output: Path) -> list[Path]:
    parts = sorted(output.parent.glob(f"{escape(output.stem)}.part[0-9]*{escape(output.suffix)}"))
    return [*([output] if output.is_file() else []), *parts]


def _rows(file: Path, *, is_part: bool) -> Iterator[tuple[dict[str, Any], str]]:
    """Raises:
    InputError: a line that is not ours; but behind the last line feed of a part, where a kill cuts lines.
    """
    # bytes, at line feeds alone: a kill may have cut a letter too, and questions may hold U+2028
    lines = file.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1] if is_part else lines, start=1):
        if line.strip():
            yield _row(line, where=f"{file}, line {number},"), line.decode()


def _row(line: bytes, *, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if (
        not isinstance(row, dict)
        or not {"task", "doc_id", "options"} <= row.keys()
        or not isinstance(row.get("selection"), dict)
    ):
        raise InputError(f"{where} is none that precompute wrote; remove the file, or choose another --output")
    return row


def _key(row: dict[str, Any]) -> Key:
    return row["task"], row["doc_id"], row["selection"]["video"]
