"""Why a moment was selected, or was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.indexing.indexed_video import IndexedVideo, QuestionScores, best_modality
from clamr_select.policies import DEFAULT_POLICY, select_indices
from clamr_select.scoring.maxsim import Similarity

MOST_FRAMES_TRIED = 128
"""Budgets that are tried for the smallest that selects a frame: each is a run of the policy over all candidates."""


@dataclass(frozen=True)
class WordScore:
    """How well one word of the question is answered by a frame."""

    word: str
    modality: str
    """Where its best match is."""
    score: float
    """Best cosine, mean over the word's tokens."""


@dataclass(frozen=True)
class Explanation:
    """One candidate frame and one question."""

    frame_index: int
    timestamp_seconds: float
    score: float
    rank: int
    """1 is the best of all candidates; equal scores share the better rank."""
    num_candidates: int
    score_by_modality: dict[str, float]
    words: tuple[WordScore, ...]
    beaten_by: tuple[tuple[float, float, str], ...]
    """(timestamp_seconds, score, winning modality) of the best candidates above this one, at most five."""
    smallest_num_frames: int | None
    """The smallest budget with which the policy selects this frame; None where it is more than
    ``MOST_FRAMES_TRIED``."""


def explain(
    indexed: IndexedVideo,
    question: str,
    *,
    at_seconds: float,
    policy: str = DEFAULT_POLICY,
    similarity: Similarity = "token_max",
    **policy_parameters: Any,
) -> Explanation:
    """Explain the candidate nearest to ``at_seconds``.

    Raises:
        InputError: ``at_seconds`` lies outside the video.
    """
    times = indexed.timestamps_seconds
    end = indexed.video_facts.start_seconds + indexed.video_facts.duration_seconds
    if not indexed.video_facts.start_seconds <= at_seconds <= max(end, float(times[-1])):
        raise InputError(
            f"{at_seconds:g} s is outside the video, which runs from {indexed.video_facts.start_seconds:g} to {end:g} s"
        )
    candidate = int(np.argmin(np.abs(times - at_seconds)))
    (query,), _ = indexed.encoder.encode_query([question])
    scores = indexed.score(query, similarity=similarity)
    names = indexed.tokens.modalities
    better = np.flatnonzero(scores.total > scores.total[candidate])
    best = better[np.argsort(-scores.total[better], kind="stable")][:5]
    present = ~np.isneginf(scores.by_modality[candidate])
    return Explanation(
        frame_index=int(indexed.frame_indices[candidate]),
        timestamp_seconds=float(times[candidate]),
        score=float(scores.total[candidate]),
        rank=len(better) + 1,
        num_candidates=len(indexed),
        score_by_modality={
            n: float(s) for n, s, p in zip(names, scores.by_modality[candidate], present, strict=True) if p
        },
        words=_word_scores(indexed, question, scores, candidate),
        beaten_by=tuple(
            (float(times[i]), float(scores.total[i]), best_modality(scores.by_modality[i], names)) for i in best
        ),
        smallest_num_frames=_smallest_budget(indexed, scores, candidate, policy, policy_parameters),
    )


def _smallest_budget(
    indexed: IndexedVideo, scores: QuestionScores, candidate: int, policy: str, parameters: dict[str, Any]
) -> int | None:
    inputs = indexed.policy_inputs(policy)
    for num_frames in range(1, min(len(indexed), MOST_FRAMES_TRIED) + 1):
        result = select_indices(
            scores.competing,
            timestamps_seconds=indexed.timestamps_seconds,
            num_frames=num_frames,
            policy=policy,
            **inputs,
            **parameters,
        )
        if candidate in result.indices:
            return num_frames
    return None


def _word_scores(indexed: IndexedVideo, question: str, scores: QuestionScores, candidate: int) -> tuple[WordScore, ...]:
    by_token = scores.by_query_token[candidate]  # [modalities, query tokens]
    words = []
    for word, positions in indexed.encoder.processor.question_words(question):
        values = by_token[:, positions]
        modality = indexed.tokens.modalities[int(values.mean(axis=1).argmax())]
        words.append(WordScore(word, modality, float(values.max(axis=0).mean())))
    return tuple(words)
