"""The comparison as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from clamr_select.eval.longvideo.comparison import Comparison
from clamr_select.eval.longvideo.runs import Run
from clamr_select.metrics import BootstrapInterval

NOT_FOR_REPORTING = "not for reporting: selected by clamr-nano, a toy"


def markdown(runs: Sequence[Run], found: Comparison) -> str:
    """Accuracy, pairs, strata, what was read, and what selection cost."""
    parts = [f"# {len(found.places)} questions, {len(runs)} runs", _accuracy(runs, found)]
    if found.pairings:
        parts += ["## Pairs, on the same questions", _pairs(found)]
    if len({one.stratum for one in found.accuracies}) > 1:
        parts += ["## By stratum", _strata(runs, found)]
    parts += ["## What selection cost", _costs(runs)]
    if found.notes:
        parts.append("\n".join(f"- {note}" for note in found.notes))
    return "\n\n".join(parts) + "\n"


def _accuracy(runs: Sequence[Run], found: Comparison) -> str:
    overall = {one.run: one.interval for one in found.accuracies if one.stratum == "all"}
    rows = [
        (
            run.name + (f" ({NOT_FOR_REPORTING})" if run.not_for_reporting else ""),
            _percent(overall[run.name]),
            _arm(run),
            run.reads("selector"),
            run.reads("answerer"),
        )
        for run in runs
    ]
    return table(("run", "accuracy, 95 % interval", "frames", "selector reads", "answerer reads"), rows)


def _pairs(found: Comparison) -> str:
    rows = [
        (
            f"{pair.second} − {pair.first}",
            _points(pair.difference),
            f"{pair.only_second} : {pair.only_first}",
            f"{pair.p_value:.3g}",
            f"{pair.churn:.1%}",
        )
        for pair in found.pairings
        if pair.stratum == "all"
    ]
    return table(("difference", "points, 95 % interval", "gained : lost", "McNemar p", "churn"), rows)


def _strata(runs: Sequence[Run], found: Comparison) -> str:
    strata = list(dict.fromkeys(one.stratum for one in found.accuracies))[1:]
    by_place = {(one.run, one.stratum): one.interval for one in found.accuracies}
    rows = [
        (
            stratum,
            str(by_place[runs[0].name, stratum].num_values),
            *(_percent(by_place[run.name, stratum]) for run in runs),
        )
        for stratum in strata
    ]
    return table(("stratum", "questions", *(run.name for run in runs)), rows)


def _costs(runs: Sequence[Run]) -> str:
    rows = []
    for run in runs:
        # a question may be about several videos
        questions = [[record["emitted_frame_indices"] for record in records] for records in run.records.values()]
        emitted = [sum(len(indices) for indices in videos) for videos in questions]
        distinct = [sum(len(set(indices)) for indices in videos) for videos in questions]
        selected = [[one["selection"] for one in records if one.get("selection")] for records in run.records.values()]
        seconds = [sum(sum(one["timings_seconds"].values()) for one in videos) for videos in selected if videos]
        rows.append(
            (
                run.name,
                str(round(median(emitted))) if any(emitted) else "not known",
                str(round(median(distinct))) if any(distinct) else "not known",
                f"{median(seconds):.2f}" if seconds else "0",
            )
        )
    return table(("run", "frames to the answerer", "of which different", "seconds a question, video included"), rows)


def _arm(run: Run) -> str:
    arms = sorted({str(record["arm"]) for record in run.all_records})
    return ", ".join(arms) if arms else "the model's own"


def _percent(interval: BootstrapInterval) -> str:
    return f"{100 * interval.mean:.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def _points(interval: BootstrapInterval) -> str:
    return f"{100 * interval.mean:+.1f} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
