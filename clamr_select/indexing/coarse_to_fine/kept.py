"""Skims and dense windows, kept: each an entry of its own, so that nothing partial can be taken for a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from clamr_select.indexing.cached_indexer import is_unchanged
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.indexing.coarse_to_fine.file_windows import FileWindows
from clamr_select.indexing.coarse_to_fine.parts import DenseWindow, Skim, WindowSource
from clamr_select.indexing.method import of_the_video
from clamr_select.indexing.stored_index import assumed_warnings, stored_track
from clamr_select.indexing.stored_tokens import stored_tokens, token_tensors
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.codes import Precision
from clamr_select.selection import SelectionWarning, VideoFacts
from clamr_select.store import Entry, Key, Store

SKIM_KIND, WINDOW_KIND = "skim", "window"
COARSE_VERSION = 1
"""To be raised when the same video, options and model give another skim or window than before."""


def skim_key(index: Key, plan: EffortPlan) -> Key:
    """Args:
    index: key of the full index of the same video, by the same options and weights.
    """
    return Key(SKIM_KIND, {**index.values, "coarse_version": COARSE_VERSION, "plan": asdict(plan)})


def window_key(index: Key, number: int) -> Key:
    """The effort is not in it: a window is the same for each."""
    return Key(WINDOW_KIND, {**index.values, "coarse_version": COARSE_VERSION, "window": number})


class KeptWindows:
    """Dense windows in memory, as far as they were asked for: never more than the video's embeddings."""

    def __init__(self, source: WindowSource) -> None:
        self._source = source
        self._kept: dict[int, DenseWindow] = {}

    def windows(self, numbers: Sequence[int]) -> Iterator[DenseWindow]:
        """See :class:`~clamr_select.indexing.coarse_to_fine.parts.WindowSource`."""
        for window in self._source.windows([number for number in numbers if number not in self._kept]):
            self._kept[window.number] = window
        yield from (self._kept[number] for number in numbers)

    def take_warnings(self) -> list[tuple[str, str]]:
        """See :class:`~clamr_select.indexing.coarse_to_fine.parts.WindowSource`."""
        return self._source.take_warnings()


class StoredWindows:
    """Dense windows on disk, else from the file, and then stored.

    Args:
        index: key of the full index of the same video.
        label: for people who list the store.
    """

    def __init__(self, source: FileWindows, *, store: Store, index: Key, label: str) -> None:
        self._source, self._store, self._index, self._label = source, store, index, label

    def windows(self, numbers: Sequence[int]) -> Iterator[DenseWindow]:
        """See :class:`~clamr_select.indexing.coarse_to_fine.parts.WindowSource`."""
        modalities = self._source.encoder.modalities
        found: dict[int, DenseWindow] = {}
        for number in numbers:
            entry = self._store.get(window_key(self._index, number))
            if entry is not None:
                found[number] = window_of(entry, modalities=modalities)
        read = list(self._source.windows([number for number in numbers if number not in found]))
        unchanged = not read or is_unchanged(self._source.video, self._source.state)
        for window in read:
            found[window.number] = window
            if unchanged:  # of a file that changed meanwhile nobody knows whose frames these are
                entry = window_entry(window, precision=self._source.options.precision)
                self._store.put(window_key(self._index, window.number), entry, label=self._label)
        yield from (found[number] for number in numbers)

    def take_warnings(self) -> list[tuple[str, str]]:
        """Of the store: damaged entries, a full disk."""
        return self._store.take_warnings()


def skim_entry(skim: Skim, *, encoder: ClamrEncoder, precision: Precision) -> Entry:
    """What the video decided; what the loaded model adds is left out."""
    assumed = assumed_warnings(encoder)
    record: dict[str, Any] = {
        "video_facts": asdict(skim.video_facts),
        "window_candidates": skim.window_candidates,
        "words": skim.words,
        "description": skim.description,
        "screen_words": skim.screen_words,
        "tracks": [asdict(track) for track in skim.tracks],
        "method": of_the_video(skim.method),
        "warnings": [asdict(warning) for warning in skim.warnings if warning not in assumed],
        "has_tokens": skim.tokens is not None,
        "modalities": list(encoder.modalities),
    }
    tensors = {} if skim.tokens is None else token_tensors(skim.tokens, precision=precision)
    tensors |= {
        "frame_indices": torch.from_numpy(np.asarray(skim.frame_indices, dtype=np.int64)),
        "timestamps_seconds": torch.from_numpy(np.asarray(skim.timestamps_seconds, dtype=np.float64)),
        "seen": torch.from_numpy(np.asarray(skim.seen, dtype=np.int64)),
    }
    return Entry(record, tensors)


def skim_of(entry: Entry, *, encoder: ClamrEncoder, timings_seconds: dict[str, float]) -> Skim:
    """The skim, for the encoder that would have made it."""
    record, tensors = entry.record, entry.tensors
    seen = tensors["seen"].numpy()
    return Skim(
        video_facts=VideoFacts(**record["video_facts"]),
        frame_indices=tensors["frame_indices"].numpy(),
        timestamps_seconds=tensors["timestamps_seconds"].numpy(),
        window_candidates=record["window_candidates"],
        words=record["words"],
        description=record["description"],
        seen=seen,
        screen_words=record["screen_words"],
        tokens=stored_tokens(tensors, num_candidates=len(seen), modalities=record["modalities"])
        if record["has_tokens"]
        else None,
        tracks=tuple(stored_track(track) for track in record["tracks"]),
        method={**record["method"], "model": encoder.name},
        warnings=(*assumed_warnings(encoder), *(SelectionWarning(**warning) for warning in record["warnings"])),
        timings_seconds=timings_seconds,
    )


def window_entry(window: DenseWindow, *, precision: Precision) -> Entry:
    """A dense window to be stored."""
    record = {
        "number": window.number,
        "candidates": list(window.candidates),
        "screen_words": window.screen_words,
        "tokens_cut": dict(window.tokens_cut),
        "warnings": [list(warning) for warning in window.warnings],
    }
    return Entry(record, {} if window.tokens is None else token_tensors(window.tokens, precision=precision))


def window_of(entry: Entry, *, modalities: Sequence[str]) -> DenseWindow:
    """What :func:`window_entry` was given."""
    record = entry.record
    candidates = tuple(record["candidates"])
    return DenseWindow(
        number=record["number"],
        candidates=candidates,
        screen_words=record["screen_words"],
        tokens=stored_tokens(entry.tensors, num_candidates=len(candidates), modalities=modalities)
        if entry.tensors
        else None,
        tokens_cut=record["tokens_cut"],
        warnings=tuple((code, message) for code, message in record["warnings"]),
    )
