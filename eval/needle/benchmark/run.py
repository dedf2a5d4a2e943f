"""The benchmark as one call: every task asked for, at every noise level, as one report."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.needle.benchmark.long_task import long_material, long_report
from clamr_select.eval.needle.benchmark.plain_english import plain_english_report
from clamr_select.eval.needle.benchmark.probes import counterfactual_report, length_report
from clamr_select.eval.needle.benchmark.retrieval import retrieval_material, retrieval_report
from clamr_select.eval.needle.benchmark.scored import score_systems
from clamr_select.eval.needle.benchmark.systems import SYSTEMS, check_systems
from clamr_select.eval.needle.documents import documents
from clamr_select.eval.needle.long_video import long_video
from clamr_select.eval.needle.noise import Noise
from clamr_select.eval.needle.vocabulary import Split
from clamr_select.eval.ranking.encoded import find_checkpoints
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.policies import find_policy

logger = logging.getLogger(__name__)

KINDS_OF_DOCUMENTS = MappingProxyType({"hard": True, "independent": False})
"""Whether near misses are planted: they hold what was asked about in the wrong modality too, or half of it."""
Task = Literal["retrieval", "long", "counterfactual", "lengths", "plain_english"]
MAX_FRAMES_OF_LENGTHS = 16


@dataclass(frozen=True)
class Settings:
    """What is measured.

    Raises:
        InputError, UnknownNameError: a number or name that is not allowed.
    """

    tasks: tuple[Task, ...] = ("retrieval", "long")
    systems: tuple[str, ...] = SYSTEMS
    noise: tuple[Noise, ...] = ("clean", "realistic")
    split: Split = "test"
    seed: int = 1
    num_documents: int = 1000
    durations_seconds: tuple[int, ...] = (600, 1800, 3600)
    num_videos: int = 1
    """Of each duration."""
    policy: str = "topk_gap"

    def __post_init__(self) -> None:
        for kind, given, allowed in (
            ("task", self.tasks, get_args(Task)),
            ("noise level", self.noise, get_args(Noise)),
            ("split", (self.split,), get_args(Split)),
        ):
            for name in given:
                if name not in allowed:
                    raise unknown_name(kind, name, allowed)
        find_policy(self.policy)
        check_systems(self.systems)
        if self.num_documents < 2 or self.num_videos < 1 or self.seed < 0:
            raise InputError(
                f"got {self.num_documents} documents, {self.num_videos} videos and the seed {self.seed}; "
                "at least 2, 1 and 0"
            )


def run_benchmark(
    settings: Settings, *, checkpoints: Path | None = None, model: str = "clamr-nano", device: str = "auto"
) -> dict[str, Any]:
    """All tables as a dictionary for JSON.

    Args:
        checkpoints: a directory with one checkpoint a view, see :func:`find_checkpoints`. Systems without one are
            left out, and named.
        model: CLaMR where ``checkpoints`` has none.
    """
    started = time.monotonic()
    found = find_checkpoints(checkpoints, model=model)
    encoders = {view: ClamrEncoder.from_pretrained(name, device=device) for view, name in sorted(found.items())}
    systems = check_systems(settings.systems)
    report: dict[str, Any] = {
        "seed": settings.seed,
        "split": settings.split,
        "machine": platform.machine(),
        "checkpoints": dict(sorted(found.items())),
        "noise": {noise: _at_noise(settings, noise, systems, encoders) for noise in settings.noise},
    }
    if "plain_english" in settings.tasks:
        report["plain_english"] = plain_english_report(encoder=encoders["clamr"], seed=settings.seed)
    report["seconds"] = round(time.monotonic() - started, 1)
    return report


def _at_noise(
    settings: Settings, noise: Noise, systems: Sequence[str], encoders: dict[str, ClamrEncoder]
) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    common: dict[str, Any] = {"seed": settings.seed, "split": settings.split, "noise": noise}
    if "retrieval" in settings.tasks:
        parts["retrieval"] = {}
        for name, planted in KINDS_OF_DOCUMENTS.items():
            logger.info("retrieval: %s documents, %s", name, noise)
            drawn = documents(**common, num_documents=settings.num_documents, planted=planted)
            scored = score_systems(retrieval_material(drawn), systems=systems, encoders=encoders)
            parts["retrieval"][name] = retrieval_report(scored, drawn, seed=settings.seed)
    if "long" in settings.tasks:
        parts["long"] = {}
        for duration in settings.durations_seconds:
            logger.info("long video: %d seconds, %s", duration, noise)
            videos = [
                long_video(**{**common, "seed": settings.seed + number}, duration_seconds=duration)
                for number in range(settings.num_videos)
            ]
            tables = [score_systems(long_material(video), systems=systems, encoders=encoders) for video in videos]
            parts["long"][str(duration)] = long_report(tables, videos, policy=settings.policy, seed=settings.seed)
    if "counterfactual" in settings.tasks:
        parts["counterfactual"] = {}
        for name, planted in KINDS_OF_DOCUMENTS.items():
            logger.info("counterfactual: %s documents, %s", name, noise)
            drawn = documents(**common, num_documents=settings.num_documents, planted=planted)
            parts["counterfactual"][name] = counterfactual_report(drawn, encoder=encoders["clamr"])
    if "lengths" in settings.tasks:
        drawn = documents(**common, num_documents=settings.num_documents, max_frames=MAX_FRAMES_OF_LENGTHS)
        parts["lengths"] = length_report(drawn, encoder=encoders["clamr"], seed=settings.seed)
    return parts
