"""Accuracies and differences with their intervals, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clamr_select.eval.longvideo.comparison import Comparison
from clamr_select.eval.longvideo.runs import Run


def save_plot(runs: Sequence[Run], found: Comparison, path: Path) -> Path:
    """Left: the accuracy of each run. Right: differences of pairs; right of the line the second one is better."""
    from matplotlib.figure import Figure

    overall = [one for one in found.accuracies if one.stratum == "all"]
    pairs = [one for one in found.pairings if one.stratum == "all"]
    figure = Figure(figsize=(11, 1.6 + 0.45 * max(len(overall), len(pairs), 2)), layout="constrained")
    left, right = figure.subplots(1, 2)
    _bars(left, [one.run for one in overall], [one.interval for one in overall])
    left.set_xlabel("accuracy, %")
    left.set_xlim(0, 100)
    _bars(right, [f"{one.second} − {one.first}" for one in pairs], [one.difference for one in pairs])
    right.axvline(0, color="0.4", linewidth=1)
    right.set_xlabel("difference, points")
    title = f"{len(found.places)} questions; 95 % intervals, videos drawn again"
    figure.suptitle(title + ("; not for reporting" if any(run.not_for_reporting for run in runs) else ""))
    figure.savefig(path, dpi=150)
    return path


def _bars(axes: Any, names: list[str], intervals: list[Any]) -> None:
    rows = range(len(names))
    means = [100 * one.mean for one in intervals]
    errors = [[100 * (one.mean - one.low) for one in intervals], [100 * (one.high - one.mean) for one in intervals]]
    axes.errorbar(means, rows, xerr=errors, fmt="o", color="#1f4e79", capsize=3)
    axes.set_yticks(list(rows), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", color="0.9")
