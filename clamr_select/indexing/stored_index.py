"""An indexed video as an entry of the store, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clamr_select.context.timed_text import ContextTrack, TimedText, TimedWord
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.method import of_the_video
from clamr_select.indexing.stored_tokens import stored_tokens, token_tensors
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selection import SelectionWarning, VideoFacts
from clamr_select.store import Entry


def to_entry(indexed: IndexedVideo) -> Entry:
    """What the video decided; what the loaded model adds is left out."""
    tokens, assumed = indexed.tokens, assumed_warnings(indexed.encoder)
    record: dict[str, Any] = {
        "video_facts": asdict(indexed.video_facts),
        "words": indexed.words,
        "tracks": [asdict(track) for track in indexed.tracks],
        "method": of_the_video(indexed.method),
        "warnings": [asdict(warning) for warning in indexed.warnings if warning not in assumed],
        "num_candidates": tokens.num_candidates,
        "modalities": list(tokens.modalities),
        "precision": indexed.precision,
    }
    tensors = {
        **token_tensors(tokens, precision=indexed.precision),
        "frame_indices": torch.from_numpy(np.asarray(indexed.frame_indices, dtype=np.int64)),
        "timestamps_seconds": torch.from_numpy(np.asarray(indexed.timestamps_seconds, dtype=np.float64)),
    }
    return Entry(record, tensors)


def from_entry(
    entry: Entry, *, video: str | Path, encoder: ClamrEncoder, timings_seconds: dict[str, float]
) -> IndexedVideo:
    """The indexed video, for the encoder that would have made it."""
    record, tensors = entry.record, entry.tensors
    return IndexedVideo(
        video=str(video),
        video_facts=VideoFacts(**record["video_facts"]),
        frame_indices=tensors["frame_indices"].numpy(),
        timestamps_seconds=tensors["timestamps_seconds"].numpy(),
        tokens=stored_tokens(tensors, num_candidates=record["num_candidates"], modalities=record["modalities"]),
        words=record["words"],
        tracks=tuple(stored_track(stored) for stored in record["tracks"]),
        method={**record["method"], "model": encoder.name},
        warnings=(*assumed_warnings(encoder), *(SelectionWarning(**warning) for warning in record["warnings"])),
        timings_seconds=timings_seconds,
        encoder=encoder,
        precision=record["precision"],
    )


def stored_track(stored: Mapping[str, Any]) -> ContextTrack:
    """JSON has lists where the track has tuples."""
    lines = tuple(
        TimedText(
            **{
                **line,
                "words": tuple(TimedWord(**word) for word in line["words"]),
                "box": None if line["box"] is None else tuple(tuple(point) for point in line["box"]),
            }
        )
        for line in stored["lines"]
    )
    warnings = tuple((code, message) for code, message in stored["warnings"])
    return ContextTrack(**{**stored, "lines": lines, "warnings": warnings, "languages": tuple(stored["languages"])})


def assumed_warnings(encoder: ClamrEncoder) -> tuple[SelectionWarning, ...]:
    """What had to be assumed when the model was loaded."""
    report = encoder.load_report
    return () if report is None else tuple(SelectionWarning(*warning) for warning in report.warnings)
