"""nDCG@10 of every system with its interval, and by type of question."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.eval.retrieval.tables import ranked

OURS_COLOUR, OTHER_COLOUR = "#c2410c", "#1f4e79"


def save_plot(report: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: systems by nDCG@10, best on top; those of our model are in another colour."""
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = ranked(report)
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(12, 1.8 + 0.3 * len(names)), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=[3, 2])
        _points(left, names, report)
        _cells(right, names, report)
        counts = report["num_questions"]["all"], report["num_videos"]
        figure.suptitle(f"{counts[0]} questions on {counts[1]} videos; 95 % intervals by video")
        figure.savefig(path, dpi=120)


def _points(axes: Any, names: list[str], report: Mapping[str, Any]) -> None:
    for row, name in enumerate(names):
        found = report["systems"][name]["ndcg@10"]["all"]
        mean, low, high = (100 * found[part] for part in ("mean", "low", "high"))
        ours = name == report["ours"] or name.startswith(f"{report['ours']}_")
        colour = OURS_COLOUR if ours else OTHER_COLOUR
        axes.errorbar(mean, row, xerr=[[mean - low], [high - mean]], fmt="o", ms=5, color=colour, capsize=3)
    axes.set_yticks(range(len(names)), names)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, 100), xlabel="nDCG@10, %")
    axes.grid(axis="x", color="0.9")


def _cells(axes: Any, names: list[str], report: Mapping[str, Any]) -> None:
    groups = [group for group in report["num_questions"] if group != "all"]
    values = np.array([[100 * report["systems"][name]["ndcg@10"][g]["mean"] for g in groups] for name in names])
    axes.imshow(values, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color="white" if value > 55 else "black")
    axes.set_xticks(range(len(groups)), [f"{group}\n({report['num_questions'][group]})" for group in groups])
    axes.set_yticks([])
    axes.set_title("by type of question", fontsize=10)
