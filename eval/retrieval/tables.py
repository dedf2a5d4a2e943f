"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clamr_select.eval.policies.tables import markdown, percent, points
from clamr_select.eval.retrieval.measure import METRICS, MODALITIES

MAX_NAMED = 5


def format_report(report: Mapping[str, Any], *, published: Mapping[str, Mapping[str, float]] | None = None) -> str:
    """Every table of a report of :func:`clamr_select.eval.retrieval.run.run_retrieval`.

    Args:
        published: system to metric to what a paper reports, in percent: a column beside ours.
    """
    counts = report["num_questions"]
    lines = [
        f"{counts['all']} questions, {report['num_videos']} videos, {report['num_answers']} pairs that answer. 95 % "
        f"intervals draw the {report['num_clusters']} videos that answer best, each with its questions.",
        "",
        "### Ranking, %",
        "",
        *_ranking(report, published or {}),
        "",
        "### nDCG@10 by type of question, %",
        "",
        *_by_type(report),
    ]
    chosen = {name: e["modality"] for name, e in report["systems"].items() if e.get("modality", {}).get("accuracy")}
    if chosen:
        lines += ["", "### Modality accuracy, %", "", *_modality(chosen)]
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(report))]) + "\n"


def ranked(report: Mapping[str, Any]) -> list[str]:
    """Systems by nDCG@10 over all questions, best first."""
    return sorted(report["systems"], key=lambda name: -report["systems"][name]["ndcg@10"]["all"]["mean"])


def _ranking(report: Mapping[str, Any], published: Mapping[str, Mapping[str, float]]) -> list[str]:
    ours = report["ours"]
    compared = ours in report["systems"]
    header = ["system", "R@1", "R@5", "R@10", "nDCG@10", "MRR"]
    header += [f"`{ours}` less this, nDCG@10"] if compared else []
    header += ["paper's R@10", "paper's nDCG@10"] if published else []
    rows = []
    for name in ranked(report):
        entry = report["systems"][name]
        row = [f"`{name}`", *(percent(entry[metric]["all"], interval=metric == "ndcg@10") for metric in METRICS)]
        if compared:
            row.append(points(entry["ours_less_this"]["ndcg@10"]["all"]) if "ours_less_this" in entry else "")
        if published:
            row += [_published(published.get(name, {}), metric) for metric in ("recall@10", "ndcg@10")]
        rows.append(row)
    return markdown(header, rows)


def _by_type(report: Mapping[str, Any]) -> list[str]:
    groups = list(report["num_questions"])
    rows = [["questions", *(str(report["num_questions"][group]) for group in groups)]]
    for name in ranked(report):
        ndcg = report["systems"][name]["ndcg@10"]
        rows.append([f"`{name}`", *(percent(ndcg[group], interval=group != "all") for group in groups)])
    return markdown(["system", *groups], rows)


def _modality(chosen: Mapping[str, Mapping[str, Any]]) -> list[str]:
    header = ["system", "all", *MODALITIES, "mean of types", "any token", "F1", "chosen: " + "/".join(MODALITIES)]
    rows = []
    for name, entry in sorted(chosen.items(), key=lambda item: -item[1]["accuracy"]):
        row = [f"`{name}`", _share(entry["accuracy"])]
        row += [_share(entry["accuracy_by_modality"].get(modality)) for modality in MODALITIES]
        row += [_share(entry[part]) for part in ("mean_accuracy", "any_accuracy", "macro_f1")]
        rows.append([*row, "/".join(f"{100 * entry['predicted'][modality]:.0f}" for modality in MODALITIES)])
    return markdown(header, rows)


def _notes(report: Mapping[str, Any]) -> list[str]:
    texts = ", ".join(f"{tokens} of {modality}" for modality, tokens in report["max_tokens"].items())
    lines = [f"Encoded: at most {report['num_frames']} frames a video; for our model, tokens: {texts}."]
    if report["without"]:
        lines.append(f"Left out of every video: {', '.join(report['without'])}.")
    if report["questions_left_out"]:
        lines.append(f"{report['questions_left_out']} questions were not asked: no video that answers them was read.")
    for why in dict.fromkeys(report["left_out"].values()):
        names = ", ".join(f"`{name}`" for name, other in report["left_out"].items() if other == why)
        lines.append(f"Left out, {why}: {names}.")
    lines += [f"Cut: {count} tokens of text for `{n}`." for n, count in report["tokens_cut"].items() if count]
    lines += [f"Cut: {count} questions for `{n}`." for n, count in report["questions_cut"].items() if count]
    return [*lines, *_bad_rows(report["bad_rows"])]


def _bad_rows(bad: Sequence[Sequence[str]]) -> list[str]:
    if not bad:
        return []
    named = "; ".join(f"{name}: {reason}" for name, reason in bad[:MAX_NAMED])
    more = f"; and {len(bad) - MAX_NAMED} more, all in bad_rows.jsonl" if len(bad) > MAX_NAMED else ""
    return [f"Skipped {len(bad)} rows: {named}{more}."]


def _published(found: Mapping[str, float], metric: str) -> str:
    return f"{found[metric]:.1f}" if metric in found else ""


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
