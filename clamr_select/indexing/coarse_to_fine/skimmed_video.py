"""A video that was looked at here and there, and is looked at closely where a question's answer may be."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, overload

import numpy as np
import torch

from clamr_select.errors import InputError
from clamr_select.indexing.alignment import lost_words
from clamr_select.indexing.asking import Asked, as_asked, as_questions, check_span, with_tuples
from clamr_select.indexing.choice import ChoiceOptions, forced_candidates
from clamr_select.indexing.coarse_to_fine.effort import Effort, EffortPlan
from clamr_select.indexing.coarse_to_fine.parts import (
    DenseWindow,
    Skim,
    WindowSource,
    joined_warnings,
    some_candidates,
)
from clamr_select.indexing.coarse_to_fine.proposals import best_of_windows, propose_windows
from clamr_select.indexing.coarse_to_fine.trigrams import TrigramIndex
from clamr_select.indexing.indexed_video import OCR, IndexedVideo
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.policies.spread import spread_evenly
from clamr_select.scoring.codes import Precision
from clamr_select.scoring.maxsim import Similarity
from clamr_select.scoring.tokens import TokenEmbeddings, concatenate
from clamr_select.selection import Selection, SelectionWarning

VIDEO = "video"
NOT_ALL_SEEN = "not_all_seen"


@dataclass(frozen=True)
class SkimmedVideo:
    """Made by ``FrameSelector.skim``. Each question encodes the windows that may answer it, and keeps them.

    What was asked before changes nothing: which windows a question wants follows from the sparse pass and the words
    alone, and it sees those windows and no others.
    """

    video: str
    effort: Effort
    plan: EffortPlan
    skim: Skim
    source: WindowSource = field(repr=False)
    encoder: ClamrEncoder = field(repr=False)
    precision: Precision = "as_encoded"

    def __len__(self) -> int:
        return self.skim.num_candidates

    @overload
    def select(self, question: str, **options: Any) -> Selection: ...

    @overload
    def select(self, question: Sequence[str], **options: Any) -> list[Selection]: ...

    def select(self, question: str | Sequence[str], **options: Any) -> Selection | list[Selection]:
        """The frames that answer a question, or one selection for each of several questions.

        ``Selection.method`` says how many candidates there are, were seen and were encoded with their words; only what
        was seen can be selected, and the warning ``not_all_seen`` says so.

        Args:
            **options: as ``IndexedVideo.select``.

        Raises:
            As ``IndexedVideo.select``; and VideoError, ContextError where a window of the file cannot be read.
        """
        options = with_tuples(options)
        if not isinstance(question, str):
            return [self.select(one, **options) for one in as_questions(question)]
        ask = options.get("question_rules")
        if callable(ask):  # proposing and selecting both plan the question, and a language model is asked once
            options["question_rules"] = cache(ask)
        started = time.perf_counter()
        numbers = self.propose(question, **options)
        proposed = time.perf_counter()
        dense = list(self.source.windows(numbers))
        timings = {"propose": proposed - started, "look_closely": time.perf_counter() - proposed}
        looked_at = self.indexed(dense)
        selection = looked_at.select(question, **options)
        return replace(
            selection,
            warnings=(*selection.warnings, *(SelectionWarning(*noted) for noted in self.source.take_warnings())),
            timings_seconds={**selection.timings_seconds, **timings},
        )

    def propose(self, question: str, **options: Any) -> tuple[int, ...]:
        """Numbers of the windows to encode for a question, increasing.

        Raises:
            As ``IndexedVideo.select``.
        """
        if self.plan.covers(self.skim.num_windows):
            return tuple(range(self.skim.num_windows))
        similarity: Similarity = options.pop("similarity", "token_max")
        modalities: Sequence[str] | None = options.pop("modalities", None)
        between_seconds: tuple[float, float] | None = options.pop("between_seconds", None)
        choice = ChoiceOptions.of(options)
        asked = as_asked(question, choice)
        inside = self._inside(between_seconds)
        if not len(inside):
            return ()  # which IndexedVideo.select refuses
        forced = self._windows_of(inside[list(forced_candidates(self.skim.timestamps_seconds[inside], choice))])
        windows = self._windows_of(inside)
        kinds = self.encoder.modalities if modalities is None else tuple(modalities)
        channels = [_only(windows, of=channel) for channel in self._channels(asked, similarity, kinds)]
        if between_seconds is not None and not any(np.isfinite(channel).any() for channel in channels):
            # there is no evidence in the span, and it is to be answered from within all the same
            left = max(1, self.plan.dense_windows - len(forced))
            spread = spread_evenly(windows.astype(np.float64), num_frames=min(left, len(windows)))
            channels = [_only(windows[spread], of=np.zeros(self.skim.num_windows))]
        return propose_windows(channels, num_windows=self.plan.dense_windows, forced=forced.tolist())

    def indexed(self, dense: Iterable[DenseWindow]) -> IndexedVideo:
        """All that was seen, as one index: these windows with their words, between them the pictures of the skim."""
        windows = sorted(dense, key=lambda window: window.number)
        pieces = _pieces(self.skim, windows)
        if not pieces:
            raise InputError(f"no candidate of {self.video!r} can be decoded")
        positions = np.concatenate([piece.candidates for piece in pieces])
        known = {name: [lines[at] for at in positions] for name, lines in self.skim.words.items()}
        return IndexedVideo(
            video=self.video,
            video_facts=self.skim.video_facts,
            frame_indices=self.skim.frame_indices[positions],
            timestamps_seconds=self.skim.timestamps_seconds[positions],
            tokens=concatenate([piece.tokens for piece in pieces]),
            words={OCR: [lines for piece in pieces for lines in piece.screen_words], **known},
            method={**self.skim.method, **self._looked_at(len(positions), windows)},
            warnings=(
                *self.skim.warnings,
                *_of_windows(windows),
                *self._words_lost(windows),
                *self._skipped(len(positions), len(windows)),
            ),
            timings_seconds=self.skim.timings_seconds,
            encoder=self.encoder,
            tracks=self.skim.tracks,
            precision=self.precision,
            word_windows=_word_windows(pieces),
        )

    def _channels(self, asked: Asked, similarity: Similarity, kinds: tuple[str, ...]) -> list[np.ndarray]:
        """What each kind of evidence says of every window, for each text that is scored."""
        channels = []
        if VIDEO in kinds:
            queries, _ = self.encoder.encode_query(list(asked.texts))
            channels += [self._by_pictures(query, similarity) for query in queries]
        words = tuple(name for name in ("asr", OCR, "description") if name in kinds)
        return channels + [self._by_words(text, words) for text in asked.texts if words]

    def _by_pictures(self, query: torch.Tensor, similarity: Similarity) -> np.ndarray:
        scores = np.full(self.skim.num_candidates, -np.inf)
        scores[self.skim.seen] = self._skimmed.score(query, similarity=similarity).total
        return best_of_windows(scores, window_candidates=self.skim.window_candidates)

    def _by_words(self, text: str, modalities: tuple[str, ...]) -> np.ndarray:
        if modalities not in self._word_indexes:
            self._word_indexes[modalities] = TrigramIndex(self._texts(modalities))
        scores = self._word_indexes[modalities].scores(text)
        best = best_of_windows(scores, window_candidates=self.skim.window_candidates)
        return np.where(best > 0, best, -np.inf)

    def _texts(self, modalities: tuple[str, ...]) -> list[str]:
        """What is known of the words of each candidate."""
        lines: list[list[str]] = [[] for _ in range(self.skim.num_candidates)]
        for name in modalities:
            for at, found in enumerate(self.skim.words.get(name, [])):
                lines[at] += found
        if OCR in modalities:
            for position, found in zip(self.skim.seen.tolist(), self.skim.screen_words, strict=True):
                lines[position] += found
        return [" ".join(found) for found in lines]

    def _inside(self, between_seconds: tuple[float, float] | None) -> np.ndarray:
        """Positions of the candidates in the span, increasing."""
        times = self.skim.timestamps_seconds
        start, end = (-np.inf, np.inf) if between_seconds is None else check_span(between_seconds)
        return np.flatnonzero((times >= start) & (times <= end))

    def _windows_of(self, positions: np.ndarray) -> np.ndarray:
        """Numbers of the windows with these candidates, increasing."""
        return np.unique(positions // self.skim.window_candidates)

    def _looked_at(self, num_seen: int, windows: Sequence[DenseWindow]) -> dict[str, Any]:
        return {
            "effort": self.effort,
            "skim_step": self.plan.skim_step,
            "num_candidates_seen": num_seen,
            "num_candidates_with_words": sum(len(window.candidates) for window in windows),
            "num_windows": len(windows),
        }

    def _words_lost(self, windows: Sequence[DenseWindow]) -> list[SelectionWarning]:
        """Of the windows looked at; what is said elsewhere is not lost, another question may look there."""
        decoded = np.ones(self.skim.num_candidates, dtype=bool)
        for window in windows:
            bounds = self.skim.window(window.number)
            decoded[bounds.start : bounds.stop] = np.isin(bounds, window.candidates)
        return [SelectionWarning(*lost) for lost in lost_words(self.skim.words, decoded=decoded)]

    def _skipped(self, num_seen: int, num_windows: int) -> list[SelectionWarning]:
        if self.plan.covers(self.skim.num_windows):
            return []
        message = (
            f"effort={self.effort!r} looked at {num_seen} of {self.skim.num_candidates} candidates: one of "
            f"{self.plan.skim_step} for its picture, and {num_windows} windows of {self.skim.window_candidates} "
            "closely; no other could be selected"
        )
        return [SelectionWarning(NOT_ALL_SEEN, message)]

    @cached_property
    def _skimmed(self) -> IndexedVideo:
        """The pictures of the sparse pass alone."""
        return self.indexed([])

    @cached_property
    def _word_indexes(self) -> dict[tuple[str, ...], TrigramIndex]:
        return {}


@dataclass(frozen=True)
class _Piece:
    """Consecutive candidates of one window, or of the skim between windows."""

    candidates: np.ndarray
    tokens: TokenEmbeddings
    screen_words: list[list[str]]
    has_words: bool
    """Whether its words were encoded with it."""


def _only(windows: np.ndarray, *, of: np.ndarray) -> np.ndarray:
    """A channel in which no others are proposed than ``windows``."""
    return np.where(np.isin(np.arange(len(of)), windows), of, -np.inf)


def _word_windows(pieces: Sequence[_Piece]) -> tuple[range, ...]:
    """Positions of the pieces with words, among the candidates of all of them."""
    ends = np.cumsum([len(piece.candidates) for piece in pieces]).tolist()
    return tuple(
        range(end - len(piece.candidates), end) for piece, end in zip(pieces, ends, strict=True) if piece.has_words
    )


def _pieces(skim: Skim, windows: Sequence[DenseWindow]) -> list[_Piece]:
    """In time order; a candidate that is in a window is not taken from the skim."""
    pieces: list[_Piece] = []
    start = 0
    for window in windows:
        bounds = skim.window(window.number)
        first, after = np.searchsorted(skim.seen, [bounds.start, bounds.stop]).tolist()
        pieces += _skimmed_piece(skim, start, first)
        start = after
        if window.tokens is not None:
            pieces.append(_Piece(np.array(window.candidates), window.tokens, window.screen_words, has_words=True))
    return pieces + _skimmed_piece(skim, start, len(skim.seen))


def _skimmed_piece(skim: Skim, start: int, stop: int) -> list[_Piece]:
    if start == stop or skim.tokens is None:
        return []
    tokens = some_candidates(skim.tokens, start=start, stop=stop)
    return [_Piece(skim.seen[start:stop], tokens, skim.screen_words[start:stop], has_words=False)]


def _of_windows(windows: Sequence[DenseWindow]) -> list[SelectionWarning]:
    cut: dict[str, int] = {}
    for window in windows:
        for modality, count in window.tokens_cut.items():
            cut[modality] = cut.get(modality, 0) + count
    truncated = [
        (f"{name}_truncated", f"{n} tokens of {name} did not fit their windows and were cut") for name, n in cut.items()
    ]
    return joined_warnings([*(noted for window in windows for noted in window.warnings), *truncated])
