"""A second question: on an index that is in memory, nothing of the video is decoded or encoded again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np
import torch

from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.timing import interleaved
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.tokens import TokenEmbeddings
from clamr_select.selection import VideoFacts

SECONDS_A_CANDIDATE = 1.0
VISUAL_TOKENS = 32
"""Of nano in a frame of 16:9."""
TEXT_TOKENS = 12
"""Of speech and of text on screen, in half of the candidates each."""
QUESTION = "when does the narrator mention the bugle on the pier while a green diamond is on screen?"


def second_question(settings: Settings) -> Iterator[Record]:
    """Ten minutes, an hour and three hours at a candidate a second, with nano: made vectors, the real path."""
    encoder = ClamrEncoder.from_pretrained("clamr-nano", device=settings.device)
    videos = {n: made_index(encoder, num_candidates=n) for n in (600, 3600, 10800)}
    calls: dict[str, Callable[[], object]] = {
        f"{n} candidates": lambda video=video: video.select(QUESTION)  # type: ignore[misc]  # a default binds it
        for n, video in videos.items()
    }
    timings = interleaved(
        calls, device=torch.device("cpu"), num_runs=5 * settings.num_runs, num_warm_up=2, clock=time.process_time
    )
    for (n, video), timing in zip(videos.items(), timings.values(), strict=True):
        yield {"what": f"nano, {n:,} candidates", "tokens": len(video.tokens), "CPU ms": asdict(timing)}


def made_index(encoder: ClamrEncoder, *, num_candidates: int) -> IndexedVideo:
    """As indexing would leave it, with vectors drawn at random."""
    generator = torch.Generator().manual_seed(num_candidates)
    lengths = torch.zeros((num_candidates, len(encoder.modalities)), dtype=torch.long)
    for modality, count in (("video", VISUAL_TOKENS), ("ocr", TEXT_TOKENS), ("asr", TEXT_TOKENS)):
        present = torch.rand(num_candidates, generator=generator) < (1.0 if modality == "video" else 0.5)
        lengths[:, encoder.modalities.index(modality)] = count * present
    candidates = torch.arange(num_candidates).repeat_interleave(lengths.sum(dim=1))
    ids = (torch.arange(len(encoder.modalities)) + 1).repeat(num_candidates).repeat_interleave(lengths.flatten())
    vectors = torch.randn((len(candidates), encoder.model.config.embedding_dim), generator=generator)
    return IndexedVideo(
        video="made.mp4",
        video_facts=VideoFacts(640, 360, 25 * num_candidates, 0.0, float(num_candidates), 25.0),
        frame_indices=25 * np.arange(num_candidates),
        timestamps_seconds=SECONDS_A_CANDIDATE * np.arange(num_candidates),
        tokens=TokenEmbeddings(
            vectors=torch.nn.functional.normalize(vectors, dim=1),
            modality_ids=ids,
            first_candidates=candidates,
            last_candidates=candidates,
            num_candidates=num_candidates,
            modalities=encoder.modalities,
        ),
        words={},
        method={},
        warnings=(),
        timings_seconds={},
        encoder=encoder,
    )
