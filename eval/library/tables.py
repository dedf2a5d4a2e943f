"""The measurements as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def format_report(report: Mapping[str, Any]) -> str:
    """The sections that were measured, one after the other."""
    shown = {"needle": _needle, "bound": _bound, "growth": _growth, "plan": _plan}
    return "\n".join(shown[name](section) for name, section in report.items())


def _needle(found: Mapping[str, Any]) -> str:
    lines = [
        f"{found['num_videos']:,} documents, {found['num_questions']} questions, {found['tokens_per_video']:.0f} "
        "tokens a document; nDCG@10 and top ten against brute force over the same vectors",
        "",
        "| setting | top ten equal | of the top ten | worst score error | nDCG@10 | difference (95 %) | ms a question, "
        "median / 95 % | KiB a video on disk |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['setting']} | {row['top10_equal']:.1%} | {row['top10_recall']:.1%} | "
            f"{row['worst_score_error']:.1e} | {row['ndcg@10']:.2f} | {_interval(row['ndcg@10_difference'])} | "
            f"{row['median_ms']:.0f} / {row['p95_ms']:.0f} | {row['bytes_per_video'] / 1024:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _bound(found: Mapping[str, Any]) -> str:
    lines = [
        f"{found['num_videos']} long videos of {found['together']} needle documents each, {found['num_questions']} "
        "questions; brute force",
        "",
        "| of each modality kept | tokens a video | least similarity to a kept one | nDCG@10 | difference (95 %) |",
        "|--:|--:|--:|--:|--:|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['share']:.0%} | {row['tokens_per_video']:,.0f} | {row['least_similarity']:.2f} | "
            f"{row['ndcg@10']:.2f} | {_interval(row['ndcg@10_difference'])} |"
        )
    return "\n".join(lines) + "\n"


def _interval(found: Sequence[float]) -> str:
    mean, low, high = found
    return f"{mean:+.2f} ({low:+.2f} … {high:+.2f})"


def _growth(found: Mapping[str, Any]) -> str:
    lines = [
        f"Random vectors, {found['num_tokens']} tokens of {found['dim']} numbers a video; questions of "
        f"{found['query_tokens']} tokens",
        "",
        "| videos | put in, s | graph, s | exact, ms, median / 95 % | two stages, ms | KiB a video on disk |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['num_videos']:,} | {row['put_seconds']:.1f} | {row['optimize_seconds']:.1f} | "
            f"{row['exact_ms']:.0f} / {row['exact_p95_ms']:.0f} | {row['two_stage_ms']:.0f} / "
            f"{row['two_stage_p95_ms']:.0f} | {row['bytes_per_video'] / 1024:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _measured(found: Mapping[str, Any]) -> list[str]:
    tokens = ", ".join(f"{name} {count:,.0f}" for name, count in found["tokens_per_video"].items() if count)
    size, pace = found["kib_per_video"], found["index_seconds_per_hour"]
    return [
        f"Measured: {found['num_videos']} videos, {found['hours']:.2f} hours; tokens kept a video: {tokens}; "
        f"{found['num_bounded']} videos were bounded"
        + (f"; {size:,.0f} KiB a video on disk" if size is not None else "")
        + (f"; {pace:,.0f} worker seconds an hour of video" if pace is not None else ""),
        "",
    ]


def _plan(found: Mapping[str, Any]) -> str:
    lines = [] if found["measured"] is None else _measured(found["measured"])
    work = "worker hours unknown: give --index-seconds"
    if found["worker_hours"] is not None:
        work = f"{found['worker_hours']:,.0f} worker hours, cost {found['cost']:,.0f}"
    lines += [
        f"{found['hours']:,.0f} hours, {found['videos']:,.0f} videos of {found['tokens_per_video']:,.0f} tokens; "
        f"{work}",
        "",
        "| storage | codes | joint | disk, TiB | read a question: exact, TiB | codes, TiB | two stages, TiB |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for row in found["rows"]:
        codes = row["codes_memory_tib"]
        lines.append(
            f"| {row['storage']} | {row['codes']} | {'yes' if row['joint'] else 'no'} | {row['disk_tib']:,.2f} | "
            f"{row['exact_memory_tib']:,.2f} | {'' if codes is None else f'{codes:,.2f}'} | "
            f"{row['two_stage_memory_tib']:,.3f} |"
        )
    return "\n".join(lines) + "\n"
