"""How what each stage takes grows with the video's length, its tokens, the questions and the frames."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch

from clamr_select.eval.speed.barcode_video import write_barcode_video
from clamr_select.eval.speed.documents import video_documents
from clamr_select.eval.speed.encoding_sections import NANO_SIDE_PIXELS
from clamr_select.eval.speed.question import QUESTION, made_index
from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.timing import interleaved
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.options import DEFAULT_WINDOW_CANDIDATES
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.policies import select_indices
from clamr_select.video import open_video
from clamr_select.video.candidates import sample_candidates
from clamr_select.video.stream import decode_candidates

MINUTES = (1, 2, 4, 8)
"""Of videos that are made, read and encoded."""
HOURS = (0.25, 0.5, 1, 2, 3)
"""Of indexes that are scored."""
NUM_QUESTIONS = (1, 2, 4, 8, 16)
NUM_FRAMES = (1, 4, 16, 64)
NUM_CHOSEN = 8
"""Where something else grows."""
POLICIES = ("topk_gap", "mmr", "mdp3")


def scaling(settings: Settings) -> Iterator[Record]:
    """Records say which ``stage``, what it grows ``with``, and how much of that there is (``amount``)."""
    encoder = ClamrEncoder.from_pretrained("clamr-nano", device="cpu")
    minutes, hours = (MINUTES, HOURS) if settings.shape != "tiny" else ((0.1, 0.2), (0.01, 0.02))
    yield from _reading(minutes, settings)
    yield from _encoding(encoder, minutes, settings)
    yield from _asking(encoder, hours, settings)


def _reading(minutes: tuple[float, ...], settings: Settings) -> Iterator[Record]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            amount: write_barcode_video(
                Path(folder) / f"{amount}.mp4", num_seconds=round(60 * amount), seconds_per_group=10
            )
            for amount in minutes
        }
        for stage, way in (("open", _open), ("decode candidates", _decode)):
            yield from _records(stage, "minutes of video", {n: partial(way, p) for n, p in paths.items()}, settings)


def _encoding(encoder: ClamrEncoder, minutes: tuple[float, ...], settings: Settings) -> Iterator[Record]:
    calls = {}
    for amount in minutes:
        documents = video_documents(
            round(60 * amount), window_candidates=DEFAULT_WINDOW_CANDIDATES, side_pixels=NANO_SIDE_PIXELS
        )
        calls[amount] = partial(encoder.encode_document, documents)
    yield from _records("encode (nano)", "minutes of video", calls, settings)


def _asking(encoder: ClamrEncoder, hours: tuple[float, ...], settings: Settings) -> Iterator[Record]:
    indexes = {amount: made_index(encoder, num_candidates=round(3600 * amount)) for amount in hours}
    (query,), _ = encoder.encode_query([QUESTION])
    scoring = {amount: partial(index.score, query) for amount, index in indexes.items()}
    yield from _records("score", "hours of video", scoring, settings)
    by_tokens = {float(len(index.tokens)): scoring[amount] for amount, index in indexes.items()}
    yield from _records("score", "tokens", by_tokens, settings)
    scores = {amount: index.score(query).competing for amount, index in indexes.items()}
    longest = indexes[hours[-1]]
    for policy in POLICIES:
        by_hours = {n: partial(_choose, scores[n], indexes[n], policy, NUM_CHOSEN) for n in hours}
        yield from _records(policy, "hours of video", by_hours, settings)
    for policy in POLICIES:
        by_frames = {float(count): partial(_choose, scores[hours[-1]], longest, policy, count) for count in NUM_FRAMES}
        yield from _records(policy, "frames selected", by_frames, settings)
    several = {
        float(count): partial(longest.select, [f"{QUESTION} {number}" for number in range(count)])
        for count in NUM_QUESTIONS
    }
    yield from _records("select", "questions", several, settings)


def _records(
    stage: str, unit: str, calls: Mapping[float, Callable[[], object]], settings: Settings
) -> Iterator[Record]:
    named = {str(amount): call for amount, call in calls.items()}
    timings = interleaved(
        named, device=torch.device("cpu"), num_runs=settings.num_runs, num_warm_up=1, clock=time.process_time
    )
    for amount, timing in zip(calls, timings.values(), strict=True):
        what = f"{stage}, {amount:g} {unit}"
        yield {"what": what, "stage": stage, "with": unit, "amount": amount, "CPU ms": asdict(timing)}


def _open(path: Path) -> None:
    with open_video(path):
        pass


def _decode(path: Path) -> None:
    with open_video(path) as reader:
        for _ in decode_candidates(reader, sample_candidates(reader.timestamps_seconds)):
            pass


def _choose(scores: np.ndarray, index: IndexedVideo, policy: str, num_frames: int) -> None:
    select_indices(
        scores,
        timestamps_seconds=index.timestamps_seconds,
        num_frames=num_frames,
        policy=policy,
        **index.policy_inputs(policy),
    )
