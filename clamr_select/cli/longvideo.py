"""``clamr-select eval report``: what lmms-eval's runs with and without frame selection say."""

from __future__ import annotations

import argparse
from pathlib import Path

from clamr_select.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="[NAME=]FOLDER", help="the --output_path of each run; the first is the baseline"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="receives report.md and report.png")
    parser.add_argument("--html", type=Path, metavar="FILE", help="one offline page of the answers that flipped")
    parser.add_argument("--max-flips", type=int, default=50, metavar="N", help="on that page (default: 50)")
    parser.add_argument(
        "--allow-different-text", action="store_true", help="pair runs whose answerers read different words"
    )


def run(arguments: argparse.Namespace) -> int:
    from clamr_select.eval.longvideo.comparison import compare
    from clamr_select.eval.longvideo.page import flips_page
    from clamr_select.eval.longvideo.plot import save_plot
    from clamr_select.eval.longvideo.runs import read_run
    from clamr_select.eval.longvideo.tables import markdown

    if arguments.html is not None and len(arguments.runs) != 2:
        raise InputError(f"--html shows two runs side by side, got {len(arguments.runs)}")
    runs = [read_run(folder, name=name) for name, folder in map(named_folder, arguments.runs)]
    found = compare(runs, allow_different_text=arguments.allow_different_text)
    report = markdown(runs, found)
    print(report, end="")
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "report.md").write_text(report, encoding="utf-8")
        save_plot(runs, found, arguments.output / "report.png")
    if arguments.html is not None:
        page = flips_page(runs[0], runs[1], found.places, max_flips=arguments.max_flips)
        arguments.html.parent.mkdir(parents=True, exist_ok=True)
        arguments.html.write_text(page, encoding="utf-8")
    return 0


def named_folder(text: str) -> tuple[str | None, str]:
    """(name, folder) of ``[NAME=]FOLDER``; a folder whose own name holds ``=`` may be given alone."""
    name, equals, folder = text.partition("=")
    return (name or None, folder) if equals and not Path(text).is_dir() else (None, text)
