"""A profile's sections as pictures: what took how long, and how it grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GROWING = "scaling"
COLUMNS = 3


def save_timings(records: Sequence[Mapping[str, Any]], path: Path, *, title: str) -> bool:
    """The first timing of each record as a point with its quartiles; whether there was one.

    In powers, where a bar has no foot to begin at.
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    rows = [(record["what"], *found) for record in records if (found := _timing(record)) is not None]
    if not rows:
        return False
    unit = rows[0][1]
    values = [timing["median"] for _, _, timing in rows]
    lows, highs = ([timing[end] for _, _, timing in rows] for end in ("low", "high"))
    colours = ["C0" if "ours" in what else "0.65" for what, _, _ in rows]
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(9, 0.8 + 0.24 * len(rows)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        places = range(len(rows))
        axes.hlines(places, lows, highs, colors=colours, lw=1.5)
        axes.scatter(values, places, c=colours, s=24, zorder=3)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.3g}", (value, place), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=7
            )
        axes.set_yticks(places, [what for what, _, _ in rows], fontsize=8)
        axes.invert_yaxis()
        axes.set(title=title, xlabel=unit)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(x=0.08, y=0.06)
        axes.grid(axis="both", alpha=0.3)
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
        num_rows = -(-len(units) // COLUMNS)
        figure = Figure(figsize=(4.2 * COLUMNS, 3.4 * num_rows), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(num_rows, COLUMNS, squeeze=False).flatten()
        for axes in panels[len(units) :]:
            axes.remove()
        for axes, unit in zip(panels, units, strict=False):
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
            amounts = sorted({record["amount"] for record in records if record["with"] == unit})
            axes.set_xticks(amounts, [_short(amount) for amount in amounts])
            axes.set_xticks([], minor=True)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.yaxis.set_minor_formatter(lambda value, _: "")
            axes.grid(alpha=0.3)
            axes.legend(fontsize=8)
        figure.savefig(path, dpi=110)


def _short(amount: float) -> str:
    return f"{amount / 1000:.0f}k" if amount >= 10_000 else f"{amount:g}"


def _timing(record: Mapping[str, Any]) -> tuple[str, Mapping[str, float]] | None:
    """Name and value of the first timing."""
    for name, value in record.items():
        if isinstance(value, Mapping) and "median" in value:
            return name, value
    return None
