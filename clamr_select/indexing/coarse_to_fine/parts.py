"""What is known of a video before a question, and what is encoded for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from clamr_select.context.timed_text import ContextTrack
from clamr_select.scoring.tokens import TokenEmbeddings
from clamr_select.selection import SelectionWarning, VideoFacts


@dataclass(frozen=True)
class Skim:
    """The sparse pass over a video; no question decides anything of it."""

    video_facts: VideoFacts
    frame_indices: np.ndarray
    """(num_candidates,) int64, of all candidates."""
    timestamps_seconds: np.ndarray
    """(num_candidates,) float64, of all candidates."""
    window_candidates: int
    words: dict[str, list[list[str]]]
    """Modality to the lines of every candidate, of what is known without looking: speech, chapters."""
    description: str | None
    """Of the whole video."""
    seen: np.ndarray
    """(num_seen,) int64 positions of the candidates that were looked at, increasing."""
    screen_words: list[list[str]]
    """Lines on screen at each of ``seen``."""
    tokens: TokenEmbeddings | None
    """Of the pictures of ``seen``, whose candidates they number; None where nothing was looked at."""
    tracks: tuple[ContextTrack, ...]
    method: dict[str, Any]
    warnings: tuple[SelectionWarning, ...]
    timings_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def num_candidates(self) -> int:
        return len(self.frame_indices)

    @property
    def num_windows(self) -> int:
        return -(-self.num_candidates // self.window_candidates)

    def window(self, number: int) -> range:
        """Positions of a window's candidates."""
        first = number * self.window_candidates
        return range(first, min(first + self.window_candidates, self.num_candidates))


@dataclass(frozen=True)
class DenseWindow:
    """A window of consecutive candidates, encoded as a full index encodes it."""

    number: int
    candidates: tuple[int, ...]
    """Positions of those that could be decoded."""
    screen_words: list[list[str]]
    """Lines on screen at each of ``candidates``."""
    tokens: TokenEmbeddings | None
    """None where no candidate could be decoded."""
    tokens_cut: Mapping[str, int] = field(default_factory=dict)
    """By modality, of text that did not fit."""
    warnings: tuple[tuple[str, str], ...] = ()
    """(code, message) of the frames."""


class WindowSource(Protocol):
    """Where dense windows come from. A window depends on nothing but the video and how it is encoded: not on which
    others are asked for."""

    def windows(self, numbers: Sequence[int]) -> Iterator[DenseWindow]:
        """In the order of ``numbers``, which increase."""
        ...

    def take_warnings(self) -> list[tuple[str, str]]:
        """(code, message) of what went wrong with keeping windows since the last call."""
        ...


def some_candidates(tokens: TokenEmbeddings, *, start: int, stop: int) -> TokenEmbeddings:
    """The tokens of candidates ``start`` to before ``stop``, counted anew from 0.

    Args:
        tokens: in the order of their candidates, one each.
    """
    first, last = np.searchsorted(tokens.first_candidates.numpy(), [start, stop]).tolist()
    return TokenEmbeddings(
        vectors=tokens.vectors[first:last],
        modality_ids=tokens.modality_ids[first:last],
        first_candidates=tokens.first_candidates[first:last] - start,
        last_candidates=tokens.last_candidates[first:last] - start,
        num_candidates=stop - start,
        modalities=tokens.modalities,
    )


def joined_warnings(warnings: Iterable[tuple[str, str]]) -> list[SelectionWarning]:
    """One of each code: the first message, and in how many other windows there was the like."""
    by_code: dict[str, list[str]] = {}
    for code, message in warnings:
        by_code.setdefault(code, []).append(message)
    return [
        SelectionWarning(code, found[0] + (f" (and the like in {len(found) - 1} other windows)" if found[1:] else ""))
        for code, found in by_code.items()
    ]
