"""What a run is told: where the rows lie, what of them is encoded, what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from clamr_select.errors import InputError, unknown_name
from clamr_select.eval.retrieval.parts import DEFAULT_PART_SIZE
from clamr_select.eval.retrieval.systems import OURS
from clamr_select.scoring.codes import Precision, check_precision
from clamr_select.training.data.budgets import PAPER_TOKENS
from clamr_select.training.data.report import OnBadRow, check_on_bad_row
from clamr_select.training.views import TEXT_MODALITIES, VIDEO

CAN_BE_LEFT_OUT = (VIDEO, "audio", *TEXT_MODALITIES)


@dataclass(frozen=True)
class RowFiles:
    """A data set in the row format."""

    rows: Path
    """With their questions: every format of ``clamr-select train-data check``."""
    queries: Path | None = None
    """Questions from another file, joined by video id; the rows' own are then not asked."""
    documents: Path | None = None
    """Rows of videos that are searched as well, and not asked about."""
    split: str | None = None
    """Of a saved data set that has several."""
    frames_dir: Path | None = None
    video_dir: Path | None = None


@dataclass(frozen=True)
class Settings:
    """
    Raises:
        InputError, UnknownNameError: a number or name that is not allowed.
    """

    files: RowFiles
    systems: tuple[str, ...]
    output: Path
    """Receives embeddings, scores and the report."""
    num_frames: int = 10
    max_tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(dict(PAPER_TOKENS)))
    """Of each text, for our model; its baselines cut at their own lengths."""
    without: tuple[str, ...] = ()
    model: str = "clamr-nano"
    checkpoints: Path | None = None
    """One folder a view, of ``clamr-select train --system VIEW``."""
    weights: tuple[str, ...] = ()
    """Checkpoints of baselines, ``FAMILY=NAME``."""
    device: str = "auto"
    precision: Precision = "as_encoded"
    part_size: int = DEFAULT_PART_SIZE
    shard: tuple[int, int] = (0, 1)
    on_bad_row: OnBadRow = "error"
    ours: str = OURS
    """The system that all others are compared with."""
    seed: int = 1
    num_resamples: int = 2000

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_on_bad_row(self.on_bad_row)
        for name in self.without:
            if name not in CAN_BE_LEFT_OUT:
                raise unknown_name("modality", name, CAN_BE_LEFT_OUT)
        if self.num_frames < 1 or self.part_size < 1 or self.num_resamples < 1:
            raise InputError(
                f"got num_frames={self.num_frames}, part_size={self.part_size}, num_resamples={self.num_resamples}; "
                "each must be at least 1"
            )
        if self.seed < 0:
            raise InputError(f"seed must be at least 0, got {self.seed}")
        if not 0 <= self.shard[0] < self.shard[1]:
            raise InputError(f"a shard is (which, of how many) with 0 <= which < how many, got {self.shard}")
