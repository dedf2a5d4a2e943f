"""A profile's sections as pictures: what took how long, and how it grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GROWING = "scaling"


def save_bars(records: Sequence[Mapping[str, Any]], path: Path, *, title: str) -> bool:
    """The first timing of each record as a bar with its quartiles; whether there was one."""
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [(record["what"], *found) for record in records if (found := _timing(record)) is not None]
    if not rows:
        return False
    unit = rows[0][1]
    values = [timing["median"] for _, _, timing in rows]
    below = [timing["median"] - timing["low"] for _, _, timing in rows]
    above = [timing["high"] - timing["median"] for _, _, timing in rows]
    colours = ["C0" if "ours" in what else "0.65" for what, _, _ in rows]
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(9, 0.8 + 0.24 * len(rows)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        places = range(len(rows))
        axes.barh(places, values, xerr=[below, above], color=colours, error_kw={"lw": 1})
        axes.set_yticks(places, [what for what, _, _ in rows], fontsize=8)
        axes.invert_yaxis()
        axes.set(title=title, xlabel=unit)
        axes.set_xscale("log")
        axes.grid(axis="x", alpha=0.3)
        figure.savefig(path, dpi=110)
    return True


def save_growth(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A panel for each thing that stages grow with, a line a stage; both axes in powers."""
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    units = list(dict.fromkeys(record["with"] for record in records))
    stages = list(dict.fromkeys(record["stage"] for record in records))
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(4.2 * len(units), 3.8), layout="constrained")
        FigureCanvasAgg(figure)
        for axes, unit in zip(figure.subplots(1, len(units), squeeze=False)[0], units, strict=True):
            for stage in stages:
                mine = [record for record in records if (record["with"], record["stage"]) == (unit, stage)]
                if mine:
                    axes.errorbar(
                        [record["amount"] for record in mine],
                        [record["CPU ms"]["median"] for record in mine],
                        yerr=[
                            [record["CPU ms"]["median"] - record["CPU ms"]["low"] for record in mine],
                            [record["CPU ms"]["high"] - record["CPU ms"]["median"] for record in mine],
                        ],
                        marker="o",
                        ms=3,
                        color=f"C{stages.index(stage)}",
                        label=stage,
                    )
            axes.set(xlabel=unit, ylabel="CPU ms", xscale="log", yscale="log")
            axes.grid(alpha=0.3, which="both")
            axes.legend(fontsize=8)
        figure.savefig(path, dpi=110)


def _timing(record: Mapping[str, Any]) -> tuple[str, Mapping[str, float]] | None:
    """Name and value of the first timing."""
    for name, value in record.items():
        if isinstance(value, Mapping) and "median" in value:
            return name, value
    return None
