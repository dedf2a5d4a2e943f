"""Where a frame's tokens meet the question's words: on which patches of the picture, and on which words of its text.

Late interaction scores a frame by the best match of each question token; these are those matches, laid back onto the
picture and the text they came from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from clamr_select.errors import InputError
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.windows import text_segments
from clamr_select.model.document import TextSegment

VIDEO = "video"


@dataclass(frozen=True)
class WordMatch:
    """The word of a frame's text that answers a word of the question best."""

    question_word: int
    """Position among :attr:`FrameMatches.question_words`."""
    modality: str
    line: int
    """Position among the frame's lines of that modality."""
    start: int
    end: int
    """Characters of that line."""
    score: float
    """Mean cosine of the question word's tokens with their best token of this word."""


@dataclass(frozen=True)
class FrameMatches:
    """One candidate frame and one question."""

    question_words: tuple[str, ...]
    patches: np.ndarray | None
    """(num_question_words, rows, columns) float32: cosine of each patch, mean over the word's tokens. None with
    ``token_pooling``, which makes one token of patches that lie apart."""
    words: tuple[WordMatch, ...]
    """For each question word and modality with text, its best word."""
    typical: np.ndarray
    """(num_question_words,) float32: the word's best cosine in the median candidate of the video. What is matched
    no better here ("the", "is") tells this frame from no other."""


def frame_matches(indexed: IndexedVideo, question: str, candidates: Sequence[int]) -> list[FrameMatches]:
    """What met what, for some candidates of a video.

    Args:
        candidates: positions among the video's candidates.

    Raises:
        InputError: no such candidate; or the video was indexed with ``compat="reference"``, whose labels do not say
            which token is which patch or word.
    """
    if indexed.encoder.compat == "reference":
        raise InputError("compat='reference' labels tokens by spans that miss some; matches need compat='corrected'")
    outside = [candidate for candidate in candidates if not 0 <= candidate < len(indexed)]
    if outside:
        raise InputError(f"candidate {outside[0]} is outside 0..{len(indexed) - 1}")
    (query,), _ = indexed.encoder.encode_query([question])
    asked = indexed.encoder.processor.question_words(question)
    best = indexed.score(query).by_query_token.max(axis=1)  # [candidates, question tokens]
    typical = np.array([np.median(best[:, positions].mean(axis=1)) for _, positions in asked], dtype=np.float32)
    return [_of_candidate(indexed, query, asked, typical, candidate) for candidate in candidates]


def _of_candidate(
    indexed: IndexedVideo,
    query: torch.Tensor,
    asked: list[tuple[str, list[int]]],
    typical: np.ndarray,
    candidate: int,
) -> FrameMatches:
    words = [
        match
        for modality in indexed.words
        if indexed.words[modality][candidate]
        for match in _word_matches(indexed, query, asked, modality=modality, candidate=candidate)
    ]
    return FrameMatches(
        question_words=tuple(word for word, _ in asked),
        patches=_patches(indexed, query, asked, candidate),
        words=tuple(words),
        typical=typical,
    )


def _patches(
    indexed: IndexedVideo, query: torch.Tensor, asked: list[tuple[str, list[int]]], candidate: int
) -> np.ndarray | None:
    """Of a candidate, as :attr:`FrameMatches.patches`."""
    if indexed.method.get("token_pooling", 1) > 1:
        return None
    tokens = indexed.tokens
    mine = (tokens.first_candidates <= candidate) & (tokens.last_candidates >= candidate)
    seen = mine & (tokens.modality_ids == 1 + tokens.modalities.index(VIDEO))
    cosines = tokens.vectors[seen].float() @ query.T  # [patches, question tokens]
    by_word = torch.stack([cosines[:, positions].mean(dim=1) for _, positions in asked]) if asked else cosines.T[:0]
    rows, columns = _grid(indexed, num_patches=int(seen.sum()))
    return by_word.reshape(len(asked), rows, columns).numpy()


def _grid(indexed: IndexedVideo, *, num_patches: int) -> tuple[int, int]:
    """Rows and columns of a frame's patches: of all that their number allows, those nearest the frame's shape."""
    shape = indexed.video_facts.height / indexed.video_facts.width
    pairs = [(rows, num_patches // rows) for rows in range(1, num_patches + 1) if num_patches % rows == 0]
    return min(pairs, key=lambda pair: abs(np.log(pair[0] / pair[1] / shape)))


def _word_matches(
    indexed: IndexedVideo,
    query: torch.Tensor,
    asked: list[tuple[str, list[int]]],
    *,
    modality: str,
    candidate: int,
) -> list[WordMatch]:
    lines = indexed.words[modality][candidate]
    places = [place for place in _text_tokens(indexed, modality=modality, candidate=candidate) if place is not None]
    if not places:
        return []
    vectors = indexed.tokens.vectors[[token for token, _, _, _ in places]].float()
    cosines = vectors @ query.T  # [text tokens, question tokens]
    groups: dict[tuple[int, int, int], list[int]] = {}
    for position, (_, text, start, end) in enumerate(places):
        groups.setdefault((lines.index(text), start, end), []).append(position)
    best_of_word = torch.stack([cosines[rows].amax(dim=0) for rows in groups.values()])  # [words, question tokens]
    found = []
    for number, (_, positions) in enumerate(asked):
        scores = best_of_word[:, positions].mean(dim=1)
        best = int(scores.argmax())
        line, start, end = list(groups)[best]
        found.append(WordMatch(number, modality, line, start, end, float(scores[best])))
    return found


def _text_tokens(indexed: IndexedVideo, *, modality: str, candidate: int) -> list[tuple[int, str, int, int] | None]:
    """The candidate's text tokens of one modality: (token, its line, characters of the word it is of); None for a
    token that is no part of a word."""
    window = _window_of(indexed, candidate)
    if window is None:
        return []
    start, stop = window.start, window.stop
    tokens = indexed.tokens
    of_window = (
        (tokens.modality_ids == 1 + tokens.modalities.index(modality))
        & (tokens.first_candidates >= start)
        & (tokens.last_candidates < stop)
    )
    positions = of_window.nonzero().squeeze(1).tolist()
    spelled = _spell(indexed, text_segments(modality, indexed.words[modality][start:stop]))
    if len(spelled) != len(positions):
        raise InputError(
            f"the index holds {len(positions)} tokens of {modality} around candidate {candidate} and its words make "
            f"{len(spelled)}: it was made by another version; index the video again"
        )
    return [
        None if word is None else (position, segment.text, *word)
        for position, (segment, word) in zip(positions, spelled, strict=True)
        if start + (segment.first_candidate or 0) <= candidate <= start + (segment.last_candidate or 0)
    ]


def _window_of(indexed: IndexedVideo, candidate: int) -> range | None:
    """The candidates that were encoded together with this one and its words; None where its words were not."""
    if indexed.word_windows is not None:
        return next((window for window in indexed.word_windows if candidate in window), None)
    width = indexed.method["window_candidates"]
    start = candidate // width * width
    return range(start, min(start + width, len(indexed)))


def _spell(indexed: IndexedVideo, segments: Sequence[TextSegment]) -> list[tuple[TextSegment, tuple[int, int] | None]]:
    """Each token of a window's text with its segment and the word it is of, within the modality's budget."""
    processor = indexed.encoder.processor
    spelled: list[tuple[TextSegment, tuple[int, int] | None]] = []
    for segment in segments:
        encoded = processor.tokenizer(
            " " + segment.text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
        )
        words = [match.span() for match in re.finditer(r"\S+", segment.text)]
        for first, last in encoded["offset_mapping"]:
            # the space that the processor puts in front shifts every character by one
            inside = [word for word in words if first - 1 < word[1] and last - 1 > word[0]]
            spelled.append((segment, inside[0] if inside else None))
    return spelled[: processor.max_text_tokens]
