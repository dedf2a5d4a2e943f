"""The report as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clamr_select.eval.needle.benchmark.long_task import BUDGETS


def format_report(report: Mapping[str, Any]) -> str:
    """All tables of a report of :func:`clamr_select.eval.needle.benchmark.run.run_benchmark`."""
    lines: list[str] = []
    for noise, parts in report["noise"].items():
        for documents, one in parts.get("retrieval", {}).items():
            lines += _retrieval(one, f"Retrieval, {documents} documents, {noise}")
        for seconds, one in parts.get("long", {}).items():
            lines += _long(one, f"Long video, {int(seconds) // 60} minutes, {noise}")
        for documents, one in parts.get("counterfactual", {}).items():
            lines += _counterfactual(one, f"CLaMR with a modality blanked, nDCG@10, {documents} documents, {noise}")
        if "lengths" in parts:
            lines += _lengths(parts["lengths"], f"CLaMR by candidates in the document that answers, {noise}")
    if "plain_english" in report:
        lines += _plain_english(report["plain_english"])
    return "\n".join(lines)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they need, the first to the left, the others to the right."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["", title]
    for row in cells:
        line = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(line).rstrip())
    return lines


def _retrieval(report: Mapping[str, Any], title: str) -> list[str]:
    counts, systems = report["num_questions"], report["systems"]
    baseline = report["best_baseline"]
    header = ["", "R@1", "R@5", "R@10", *counts, *([f"all, against {baseline}"] if baseline else [])]
    rows = [["questions", "", "", "", *(str(count) for count in counts.values()), *([""] if baseline else [])]]
    for name, entry in systems.items():
        recalls = [_cell(entry[f"recall@{k}"].get("all")) for k in (1, 5, 10)]
        cells = [name, *recalls, *(_cell(entry["ndcg@10"][group]) for group in counts)]
        rows.append([*cells, *([_margin(entry.get("margin"), "all")] if baseline else [])])
    lines = table(f"{title}: R@k and nDCG@10 (by question type), %", header, rows)
    lines += _margins(systems.get("clamr", {}), title, counts)
    lines += _modality(systems, title)
    return [*lines, *_notes(report)]


def _margins(entry: Mapping[str, Any], title: str, counts: Mapping[str, int]) -> list[str]:
    """CLaMR against every baseline, and as a share of what a perfect reader reaches."""
    groups = [group for group in ("all", "not video", "text", "two") if group in counts]
    rows = [[name, *(_margin(found, group) for group in groups)] for name, found in entry.get("margins", {}).items()]
    if "of_ceiling" in entry:
        rows.append(["share of the oracle's", *(_cell(entry["of_ceiling"].get(group)) for group in groups)])
    return table(f"{title}: nDCG@10 of clamr less that of", ["", *groups], rows) if rows else []


def _modality(systems: Mapping[str, Any], title: str) -> list[str]:
    found = {name: entry["modality"] for name, entry in systems.items() if entry.get("modality", {}).get("accuracy")}
    if not found:
        return []
    names = ("video", "ocr", "asr", "description")
    header = ["", "accuracy", *names, "any", "precision", "recall", "F1", "predicted " + "/".join(names)]
    rows = []
    for name, entry in found.items():
        by_modality = [_cell(entry["accuracy_by_modality"].get(modality)) for modality in names]
        macro = [_cell(entry[f"macro_{part}"]) for part in ("precision", "recall", "f1")]
        predicted = "/".join(f"{100 * entry['predicted'][modality]:.0f}" for modality in names)
        rows.append([name, _cell(entry["accuracy"]), *by_modality, _cell(entry["any_accuracy"]), *macro, predicted])
    return table(f"{title}: modality accuracy, %", header, rows)


def _long(report: Mapping[str, Any], title: str) -> list[str]:
    counts, systems = report["num_questions"], report["systems"]
    baseline = report["best_baseline"]
    groups = [group for group in ("all", "video", "ocr", "asr", "two", "ordering") if group in counts]
    header = ["", *(f"{group} ({counts[group]})" for group in groups)]
    lines: list[str] = []
    for metric, label in (("hit", "hit@k"), ("evidence_recall", "evidence recall")):
        last = [f"hit@8, against {baseline}"] if baseline and metric == "hit" else []
        rows = []
        for name, entry in systems.items():
            cells = ["/".join(_cell(entry[f"{metric}@{k}"][group], 0) for k in BUDGETS) for group in groups]
            rows.append([name, *cells, *(_margin(entry.get("margin hit@8"), "all") for _ in last)])
        lines += table(f"{title}: {label}, k = {'/'.join(map(str, BUDGETS))}, %", [*header, *last], rows)
        lines += [f"intervals draw {report['intervals_draw']}" for _ in last]
    return [*lines, *_notes(report)]


def _counterfactual(report: Mapping[str, Any], title: str) -> list[str]:
    columns = list(report["chance"])
    return table(title, ["", *columns], [[name, *(_cell(entry[c]) for c in columns)] for name, entry in report.items()])


def _lengths(report: Mapping[str, Any], title: str) -> list[str]:
    rows = [
        [name, str(entry["num_questions"]), _interval(entry["ndcg@10"]), _interval(entry["recall@1"])]
        for name, entry in report.items()
    ]
    return table(title, ["candidates", "questions", "nDCG@10", "R@1"], rows)


def _plain_english(report: Mapping[str, Any]) -> list[str]:
    title = f"Plain English, {report['num_questions']} questions, {report['num_rows']} lines each: R@1, %"
    rows = [[name, _interval(entry["recall@1"])] for name, entry in report["systems"].items()]
    return [*table(title, ["", "R@1"], rows), "from " + ", ".join(report["packages"])]


def _notes(report: Mapping[str, Any]) -> list[str]:
    left_out = report["left_out"]
    lines = [f"left out: {', '.join(f'{name} ({why})' for name, why in left_out.items())}"] if left_out else []
    lines += [f"cut: {count} tokens of text for {view}" for view, count in report["num_tokens_cut"].items() if count]
    return lines


def _cell(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{100 * share:.{digits}f}"


def _interval(entry: Mapping[str, float]) -> str:
    return f"{100 * entry['mean']:.1f} ({100 * entry['low']:.1f} … {100 * entry['high']:.1f})"


def _margin(entry: Mapping[str, Mapping[str, float]] | None, group: str) -> str:
    if entry is None or group not in entry:
        return ""
    one = entry[group]
    return f"{100 * one['mean']:+.1f} ({100 * one['low']:+.1f} … {100 * one['high']:+.1f})"
