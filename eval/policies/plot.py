"""Evidence recall by number of frames, one line a policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.eval.policies.run import SEVERAL
from clamr_select.eval.policies.tables import ranked

_NAMED = 8


def save_plot(report: Mapping[str, Any], path: Path, *, highlight: str) -> None:
    """Write a PNG: all questions, and those with several pieces of evidence.

    Args:
        highlight: the policy drawn thick; the best few and the baselines are named, the others grey.

    Raises:
        InputError: the report has no policies.
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not report["policies"]:
        raise InputError("nothing to plot: no policy was measured")
    budgets = report["budgets"]
    best = ranked(report, str(budgets[len(budgets) // 2]))
    named = [name for name in best if name in (*best[:_NAMED], highlight, "topk", "uniform")]
    groups = [group for group in ("all", SEVERAL) if group in report["num_questions"]]
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(6.2 * len(groups), 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        for axes, group in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
            for name in reversed(best):
                found = [report["policies"][name][str(k)]["evidence_recall"][group]["mean"] for k in budgets]
                colour = f"C{named.index(name) % 10}" if name in named else "0.85"
                style = {"lw": 3.0 if name == highlight else 1.4, "ls": "--" if name in ("topk", "uniform") else "-"}
                label = name if name in named else None
                axes.plot(budgets, found, color=colour, marker="o", ms=3, label=label, **style)
            axes.set_xscale("log", base=2)
            axes.set_xticks(budgets, [str(k) for k in budgets])
            title = f"{'All questions' if group == 'all' else 'Several pieces of evidence'}"
            axes.set(title=f"{title} ({report['num_questions'][group]})", xlabel="frames", ylim=(0, 1.02))
            axes.set_ylabel("evidence recall")
            axes.grid(alpha=0.3)
        handles, labels = axes.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda at: named.index(labels[at]))
        figure.legend(
            [handles[at] for at in order], [labels[at] for at in order], loc="outside right upper", fontsize=8
        )
        figure.savefig(path, dpi=120)
