"""Runs on the same questions, compared pair by pair: how much better, how sure, where, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.longvideo.runs import Place, Run, video_of
from clamr_select.metrics import BootstrapInterval, mcnemar
from clamr_select.metrics.clusters import ClusterBootstrap

SEED = 20260606
FEW_VIDEOS = 20
STRATA = ("duration", "task_type", "evidence")


@dataclass(frozen=True)
class Accuracy:
    run: str
    stratum: str
    """``all``, or ``duration=long`` …"""
    interval: BootstrapInterval


@dataclass(frozen=True)
class Pairing:
    """The second run against the first, on the questions both answered."""

    first: str
    second: str
    stratum: str
    difference: BootstrapInterval
    only_first: int
    only_second: int
    p_value: float
    churn: float
    """Share of the questions that one of them alone got right: what repeated runs of one setting show too."""


@dataclass(frozen=True)
class Comparison:
    accuracies: tuple[Accuracy, ...]
    pairings: tuple[Pairing, ...]
    notes: tuple[str, ...]
    places: tuple[Place, ...]
    """The questions that all runs answered."""


def compare(runs: Sequence[Run], *, allow_different_text: bool = False, num_resamples: int = 10_000) -> Comparison:
    """Compare on the questions that all runs answered; intervals draw whole videos where they are known.

    Args:
        allow_different_text: pair runs whose answerers read different words, such as with and without subtitles.

    Raises:
        InputError: no runs, names twice, or no question that all answered.
    """
    names = [run.name for run in runs]
    if not runs or len(set(names)) < len(names):
        raise InputError(f"runs need names of their own, got {', '.join(names) or 'none'}; use NAME=FOLDER")
    places = tuple(sorted(set.intersection(*(set(run.answers) for run in runs))))
    if not places:
        raise InputError(f"no question was answered by all of {', '.join(names)}")
    notes = [
        f"{run.name}: {len(run.answers) - len(places)} questions that not all answered are left out"
        for run in runs
        if len(run.answers) > len(places)
    ]
    groups = strata_of(runs, places)
    clusters = _clusters(runs, places)
    if len(set(clusters)) < FEW_VIDEOS:
        notes.append(f"the questions are about {len(set(clusters))} videos: intervals from so few are too narrow")
    bootstrap = ClusterBootstrap(clusters, num_resamples=num_resamples, seed=SEED)
    correct = {run.name: np.array([run.answers[place].correct for place in places]) for run in runs}
    accuracies = tuple(
        Accuracy(run.name, stratum, bootstrap.interval(correct[run.name], mask=mask))
        for run in runs
        for stratum, mask in groups.items()
    )
    pairings = []
    for first, second in combinations(runs, 2):
        differing = [place for place in places if _words(first, place) != _words(second, place)]
        if differing and not allow_different_text:
            notes.append(
                f"{first.name} and {second.name} are not paired: their answerers read different words in "
                f"{len(differing)} of {len(places)} questions (--allow-different-text pairs them)"
            )
            continue
        pairings += [
            _pairing(first, second, correct, stratum=stratum, mask=mask, bootstrap=bootstrap)
            for stratum, mask in groups.items()
        ]
    return Comparison(accuracies, tuple(pairings), tuple(notes), places)


def strata_of(runs: Sequence[Run], places: Sequence[Place]) -> dict[str, np.ndarray]:
    """Stratum to which questions are in it; ``all`` first. A run without records borrows those of the others."""
    known: dict[Place, Mapping[str, str]] = {}
    for run in runs:
        known |= {place: records[0]["strata"] for place, records in run.records.items()}
    groups: dict[str, np.ndarray] = {"all": np.ones(len(places), dtype=bool)}
    for kind in STRATA:
        values = [known.get(place, {}).get(kind) for place in places]
        for value in sorted({value for value in values if value is not None}):
            groups[f"{kind}={value}"] = np.array([one == value for one in values])
    return groups


def flipped(first: Run, second: Run, places: Sequence[Place]) -> list[Place]:
    """Questions that one of the two alone got right."""
    return [place for place in places if _is_right(first, place) != _is_right(second, place)]


def _pairing(
    first: Run,
    second: Run,
    correct: Mapping[str, np.ndarray],
    *,
    stratum: str,
    mask: np.ndarray,
    bootstrap: ClusterBootstrap,
) -> Pairing:
    before, after = correct[first.name], correct[second.name]
    tested = mcnemar((before[mask] >= 0.5).tolist(), (after[mask] >= 0.5).tolist())
    churn = (tested.only_first + tested.only_second) / int(mask.sum())
    difference = bootstrap.interval(after - before, mask=mask)
    return Pairing(
        first.name, second.name, stratum, difference, tested.only_first, tested.only_second, tested.p_value, churn
    )


def _clusters(runs: Sequence[Run], places: Sequence[Place]) -> list[str]:
    """The video of each question, or all of its videos; a question without a record is its own."""
    videos: dict[Place, str] = {}
    for run in runs:
        for place, records in run.records.items():
            videos[place] = "\n".join(sorted(map(video_of, records)))
    return [videos.get(place) or f"{place[0]} {place[1]}" for place in places]


def _words(run: Run, place: Place) -> str:
    return " ".join(run.answers[place].prompt.split())


def _is_right(run: Run, place: Place) -> bool:
    return run.answers[place].correct >= 0.5
