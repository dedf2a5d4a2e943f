"""The report as a picture: nDCG@10 by question type, and hit@k by budget."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.eval.needle.benchmark.long_task import BUDGETS

COLUMNS = ("all", "video", "ocr", "asr", "description", "two", "ordering")


def save_plot(report: Mapping[str, Any], path: Path) -> None:
    """Write one panel a task, noise level and set.

    Raises:
        InputError: the report holds neither retrieval nor long video.
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [
        (kind, f"{noise}, {name}", one)
        for noise, parts in report["noise"].items()
        for kind in ("retrieval", "long")
        for name, one in parts.get(kind, {}).items()
    ]
    if not panels:
        raise InputError("nothing to plot: the report has neither retrieval nor long video")
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(11, 3.6 * len(panels)), layout="constrained")
        FigureCanvasAgg(figure)
        for axes, (kind, title, one) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
            (_bars if kind == "retrieval" else _curves)(axes, title, one)
        figure.savefig(path, dpi=120)


def _bars(axes: Any, title: str, report: Mapping[str, Any]) -> None:
    systems = report["systems"]
    columns = [column for column in COLUMNS if column in report["num_questions"]]
    width = 0.9 / max(1, len(systems))
    for number, (name, entry) in enumerate(systems.items()):
        found = [entry["interval"][column] for column in columns]
        at = [position + (number - (len(systems) - 1) / 2) * width for position in range(len(columns))]
        errors = [[f["mean"] - f["low"] for f in found], [f["high"] - f["mean"] for f in found]]
        axes.bar(
            at, [f["mean"] for f in found], width, yerr=errors, label=name, color=_colour(number), error_kw={"lw": 0.6}
        )
    axes.set_xticks(range(len(columns)), [f"{c}\n({report['num_questions'][c]})" for c in columns])
    axes.set(title=f"Retrieval among {report['num_documents']} documents: {title}", ylabel="nDCG@10", ylim=(0, 1))
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))


def _curves(axes: Any, title: str, report: Mapping[str, Any]) -> None:
    for number, (name, entry) in enumerate(report["systems"].items()):
        values = [entry[f"hit@{k}"]["all"] for k in BUDGETS]
        axes.plot(BUDGETS, values, marker="o", ms=3, label=name, color=_colour(number), ls="-" if number < 10 else "--")
    axes.set_xscale("log", base=2)
    axes.set_xticks(BUDGETS, [str(k) for k in BUDGETS])
    axes.set(title=f"Long video: {title} seconds", xlabel="frames selected", ylabel="hit@k", ylim=(0, 1.02))
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))


def _colour(number: int) -> str:
    return f"C{number % 10}"
