"""What a library of many hours of video takes, from what a few videos took: size, memory, time, money.

Size and memory are counted: tokens a video times bytes a token. Time is measured on the machine at hand; what a
machine costs an hour is for whoever plans to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.eval.library.needle import disk_bytes
from clamr_select.retrieval.fixed_encoding import FixedEncoding
from clamr_select.retrieval.tuning import HNSW_M

BYTES = {"float32": 4.0, "float16": 2.0, "turbo8": 1.0}
CODE_BYTES = {"none": 0.0, "int8": 1.0, "turbo4": 0.5}
PAYLOAD_BYTES = 3000
"""Of a video, JSON beside its vectors."""
GRAPH_BYTES = HNSW_M * 2 * 4 * 2
"""Of a point in the graph of the first stage: links to twice as many neighbours, and the upper levels."""
TIB = 2**40


@dataclass(frozen=True)
class PerVideo:
    """Measured, or planned with.

    Raises:
        InputError: a number that is not positive.
    """

    seconds: float
    """Mean duration."""
    tokens: float
    """Kept of a video, all modalities together."""
    dim: int = 128
    index_seconds_per_hour: float | None = None
    """Of one worker, for an hour of video; None where it is not known."""
    cost_per_hour: float = 0.0
    """Of one worker's machine, in any currency."""

    def __post_init__(self) -> None:
        for name in ("seconds", "tokens", "dim"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("index_seconds_per_hour", "cost_per_hour"):
            if (getattr(self, name) or 0.0) < 0:
                raise InputError(f"{name} must not be negative, got {getattr(self, name)}")


def plan(per_video: PerVideo, *, hours: float) -> dict[str, Any]:
    """Rows by storage, codes, and whether tokens are kept twice (``joint``).

    ``memory`` is what searches read at each question: of exact ones all vectors, of codes those, of two stages the
    first stage's codes; what does not fit is read from the disk. ``worker_hours`` and ``cost`` are None where the pace
    is not known.
    """
    if not hours > 0:
        raise InputError(f"hours must be positive, got {hours}")
    videos = hours * 3600 / per_video.seconds
    numbers = per_video.tokens * per_video.dim
    encoded_dim = FixedEncoding(per_video.dim).encoded_dim
    read_first = videos * (encoded_dim / 8 + GRAPH_BYTES)  # a bit a number, and the graph
    first_stage = videos * encoded_dim * 2 + read_first
    rows = []
    for storage, num_bytes in BYTES.items():
        for codes, code_bytes in CODE_BYTES.items():
            for joint in (True, False):
                copies = 2 if joint else 1
                vectors, small = videos * numbers * num_bytes * copies, videos * numbers * code_bytes * copies
                rows.append(
                    {
                        "storage": storage,
                        "codes": codes,
                        "joint": joint,
                        "disk_tib": (vectors + small + first_stage + videos * PAYLOAD_BYTES) / TIB,
                        # a question reads one copy: of all tokens, or of each modality
                        "exact_memory_tib": videos * numbers * num_bytes / TIB,
                        "codes_memory_tib": videos * numbers * code_bytes / TIB if code_bytes else None,
                        "two_stage_memory_tib": read_first / TIB,
                    }
                )
    pace = per_video.index_seconds_per_hour
    worker_hours = None if pace is None else hours * pace / 3600
    return {
        "hours": hours,
        "videos": videos,
        "tokens_per_video": per_video.tokens,
        "worker_hours": worker_hours,
        "cost": None if worker_hours is None else worker_hours * per_video.cost_per_hour,
        "rows": rows,
    }


@dataclass(frozen=True)
class Measured:
    """What a library says of its videos."""

    num_videos: int
    hours: float
    tokens_per_video: dict[str, float]
    """By modality, as kept."""
    num_bounded: int
    """Videos of which some modality had more tokens than are kept."""
    dim: int
    kib_per_video: float | None
    """That its folder takes; None on a server. Of few videos, mostly what the engine reserves."""
    index_seconds_per_hour: float | None
    """Of one worker, by the journal of ``clamr-select index``; None where there is none."""


def measure(place: str) -> Measured:
    """
    Raises:
        InputError: it has no video with a duration.
        CorpusError: it cannot be opened.
    """
    from clamr_select.retrieval import VideoCorpus

    with VideoCorpus.open(place, must_exist=True) as corpus:
        videos = {video.video_id: video for video in corpus.videos() if video.duration_seconds}
        if not videos:
            raise InputError(f"{place} has no video with a duration to plan by")
        durations = {name: float(video.duration_seconds or 0.0) for name, video in videos.items()}
        return Measured(
            num_videos=len(videos),
            hours=sum(durations.values()) / 3600,
            tokens_per_video={
                name: sum(video.num_tokens.get(name, 0) for video in videos.values()) / len(videos)
                for name in corpus.schema.modalities
            },
            num_bounded=sum(bool(video.left_out) for video in videos.values()),
            dim=corpus.schema.dim,
            kib_per_video=None if corpus.folder is None else disk_bytes(corpus.folder) / len(corpus) / 1024,
            index_seconds_per_hour=None if corpus.folder is None else _index_pace(corpus.folder, durations),
        )


def _index_pace(folder: Path, durations: Mapping[str, float]) -> float | None:
    from clamr_select.retrieval.ingest.journal import Journal
    from clamr_select.retrieval.ingest.run import JOURNAL_NAME

    if not (folder / JOURNAL_NAME).exists():
        return None
    with Journal(folder / JOURNAL_NAME) as journal:
        timed = [
            (line.seconds, durations[line.video_id])
            for line in journal.lines
            if line.seconds is not None and line.video_id is not None and line.video_id in durations
        ]
    return 3600 * sum(took for took, _ in timed) / sum(lasts for _, lasts in timed) if timed else None
