"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clamr_select.eval.policies.run import BASELINES, SEVERAL


def format_report(report: Mapping[str, Any]) -> str:
    """Every table of a report of :func:`clamr_select.eval.policies.run.run_policies`."""
    lines = [f"{report['num_questions']['all']} questions, {report['num_videos']} videos; 95 % intervals by video."]
    if report["variant"]:
        lines.append(f"Questions asked as `{report['variant']}`.")
    if report["policies"]:
        for budget in map(str, report["budgets"]):
            lines += ["", f"### {budget} frames", "", *_budget(report, budget)]
        lines += ["", "### Evidence recall by type of question, %", "", *_by_group(report)]
    if report.get("selections"):
        lines += ["", "### Selections of others", "", *_selections(report["selections"])]
    if report["left_out"]:
        lines += ["", *(f"Left out: `{name}` ({why})." for name, why in report["left_out"].items())]
    return "\n".join(lines) + "\n"


def ranked(report: Mapping[str, Any], budget: str) -> list[str]:
    """Policies by evidence recall over all questions, best first."""
    return sorted(
        report["policies"], key=lambda name: -report["policies"][name][budget]["evidence_recall"]["all"]["mean"]
    )


def _budget(report: Mapping[str, Any], budget: str) -> list[str]:
    compared = [baseline for baseline in BASELINES if baseline in report["against"]]
    with_several = SEVERAL in report["num_questions"]
    header = ["policy", "hit", "evidence recall", *(f"less {b}'s" for b in compared)]
    header += [*([f"{SEVERAL}, less topk's"] if with_several and "topk" in compared else [])]
    header += ["precision", "coverage", "diversity", "ms"]
    rows = []
    for name in ranked(report, budget):
        found = report["policies"][name][budget]
        row = [f"`{name}`", percent(found["hit"]["all"]), percent(found["evidence_recall"]["all"])]
        row += [_margin(report, b, name, budget, "all") for b in compared]
        if with_several and "topk" in compared:
            row.append(_margin(report, "topk", name, budget, SEVERAL))
        row += [percent(found["precision"]["all"], interval=False), percent(found["coverage"]["all"], interval=False)]
        row.append(f"{found['diversity']['all']['mean']:.3f}" if "diversity" in found else "")
        row.append(f"{found['milliseconds']['all']['mean']:.2f}")
        rows.append(row)
    return markdown(header, rows)


def _by_group(report: Mapping[str, Any]) -> list[str]:
    groups = list(report["num_questions"])
    rows = [["questions", "", *(str(report["num_questions"][group]) for group in groups)]]
    for budget in map(str, report["budgets"]):
        for name in ranked(report, budget):
            recall = report["policies"][name][budget]["evidence_recall"]
            rows.append([f"`{name}`", budget, *(percent(recall[group], interval=False) for group in groups)])
    return markdown(["policy", "frames", *groups], rows)


def _selections(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            name,
            f"{entry['frames']['all']['mean']:.1f}",
            str(entry["num_questions"]),
            *(percent(entry[metric]["all"]) for metric in ("hit", "evidence_recall")),
            percent(entry["precision"]["all"], interval=False),
        ]
        for name, entry in found.items()
    ]
    return markdown(["selections", "frames", "questions", "hit", "evidence recall", "precision"], rows)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, the first column to the left, the others to the right."""
    lines = [f"| {' | '.join(header)} |", "|---|" + "--:|" * (len(header) - 1)]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def percent(found: Mapping[str, float], *, interval: bool = True) -> str:
    """A share's mean in percent, and its interval's ends."""
    text = f"{100 * found['mean']:.1f}"
    return f"{text} ({100 * found['low']:.1f} to {100 * found['high']:.1f})" if interval else text


def points(found: Mapping[str, float]) -> str:
    """A difference's mean in points, and its interval's ends, signed."""
    return f"{100 * found['mean']:+.1f} ({100 * found['low']:+.1f} to {100 * found['high']:+.1f})"


def _margin(report: Mapping[str, Any], baseline: str, name: str, budget: str, group: str) -> str:
    if name == baseline:
        return ""
    found = report["against"][baseline][name][budget]["evidence_recall"][group]
    return points(found)
