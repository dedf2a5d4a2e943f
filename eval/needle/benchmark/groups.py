"""Which questions a column of a table is about, and how sure its numbers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clamr_select.eval.needle.benchmark.systems import BASELINES
from clamr_select.metrics import ClusterBootstrap, bootstrap_interval, paired_bootstrap_interval

NUM_RESAMPLES = 2000
ONE_VIDEO = "the questions of one video, and say nothing of others"
TEXT_TARGETS = ("ocr", "asr", "description")


def question_groups(
    targets: Sequence[str], *, paraphrased: Sequence[bool], held_out: Sequence[bool]
) -> dict[str, np.ndarray]:
    """(num_questions,) bool by column. Questions that order moments are a column of their own and in no other."""
    names = np.array(targets)
    usual = names != "ordering"
    groups = {
        "all": usual,
        **{target: names == target for target in ("video", *TEXT_TARGETS)},
        "text": np.isin(names, TEXT_TARGETS),
        "two": np.array(["+" in target for target in targets]),
        "not video": usual & (names != "video"),
        "paraphrased": usual & np.array(paraphrased, dtype=bool),
        "new pictures": usual & np.array(held_out, dtype=bool),
        "ordering": ~usual,
    }
    return {name: mask for name, mask in groups.items() if mask.any()}


def mean_by_group(values: np.ndarray, groups: Mapping[str, np.ndarray]) -> dict[str, float]:
    return {name: float(values[mask].mean()) for name, mask in groups.items()}


def interval(values: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Mean and 95 % bootstrap interval."""
    return bootstrap_interval(values, num_resamples=NUM_RESAMPLES, seed=seed).as_dict()


def draws_of(videos: Sequence[str], *, num_resamples: int = NUM_RESAMPLES, seed: int) -> tuple[ClusterBootstrap, str]:
    """Draws of whole videos, and what is drawn, in words for the report.

    Of one video its questions are drawn: drawn whole it is the same each time, and the interval would have no width.

    Args:
        videos: (num_questions,) the name of each question's video.
    """
    count = len(set(videos))
    clusters, drawn = (videos, f"{count} videos") if count > 1 else ([str(i) for i in range(len(videos))], ONE_VIDEO)
    return ClusterBootstrap(clusters, num_resamples=num_resamples, seed=seed), drawn


def best_baseline(means: Mapping[str, float]) -> str | None:
    """The baseline with the highest mean, None where none was run."""
    found = [name for name in means if name in BASELINES]
    return max(found, key=lambda name: means[name]) if found else None


def margin(values: np.ndarray, baseline: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Mean difference on the same questions and its paired 95 % bootstrap interval."""
    return paired_bootstrap_interval(values, baseline, num_resamples=NUM_RESAMPLES, seed=seed).as_dict()
