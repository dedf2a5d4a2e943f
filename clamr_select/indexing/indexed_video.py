"""A video that has been encoded once and answers many questions."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, overload

import numpy as np
import torch

from clamr_select.context.timed_text import ContextTrack
from clamr_select.errors import InputError
from clamr_select.indexing.asking import Asked, as_asked, as_questions, check_modalities, check_span
from clamr_select.indexing.choice import ChoiceOptions, Diversity, as_tuple, choose_frames
from clamr_select.indexing.still_text import repeats_text, text_runs
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.policies import DEFAULT_POLICY, PooledSimilarity, policy_inputs
from clamr_select.policies.similarity import some_inputs
from clamr_select.scoring.codes import Precision
from clamr_select.scoring.frame_similarity import LateInteractionSimilarity, pooled_frames
from clamr_select.scoring.maxsim import Similarity, aggregate, scores_by_modality
from clamr_select.scoring.reference import candidate_maxima
from clamr_select.scoring.scorer import SegmentScorer
from clamr_select.scoring.segments import candidate_segments
from clamr_select.scoring.stored_vectors import Storage
from clamr_select.scoring.tokens import TokenEmbeddings
from clamr_select.selection import CandidateScores, Selection, SelectionWarning, VideoFacts

OCR = "ocr"
NO_MODALITY = "none"
SCORED_IN: Mapping[Precision, Storage] = MappingProxyType({"bfloat16": "bfloat16", "int8": "int8"})
LOWEST_SCORE = -1.0
"""Of a candidate that has nothing of the modalities asked for: the least a mean of cosines can be."""


@dataclass(frozen=True)
class QuestionScores:
    """Every candidate's scores for one question."""

    total: np.ndarray
    """(num_candidates,) float32."""
    competing: np.ndarray
    """(num_candidates,) float32, what policies choose by: as ``total``, but text that stays on screen counts in
    the best of the candidates that show it, and the others compete by what else they hold."""
    by_modality: np.ndarray
    """(num_candidates, num_modalities) float32, ``-inf`` where absent."""
    by_query_token: np.ndarray
    """(num_candidates, num_modalities, num_query_tokens) float32, ``-inf`` where absent."""


@dataclass(frozen=True)
class IndexedVideo:
    """Made by ``FrameSelector.index``. Asking decodes and encodes nothing of the video again; its length is the number
    of candidates."""

    video: str
    """Path of the video, as it was given."""
    video_facts: VideoFacts
    """Size in pixels, number of frames, start and duration in seconds."""
    frame_indices: np.ndarray
    """(num_candidates,) int64 source frame indices, strictly increasing."""
    timestamps_seconds: np.ndarray
    """(num_candidates,) float64, from the container."""
    tokens: TokenEmbeddings
    """(num_tokens, dim) vectors of length 1, each with its modality and the candidates that it belongs to."""
    words: dict[str, list[list[str]]]
    """Modality to the lines of each candidate."""
    method: dict[str, Any]
    """How it was indexed, for ``Selection.method``."""
    warnings: tuple[SelectionWarning, ...]
    """What was missing, cut or repaired; in every selection."""
    timings_seconds: dict[str, float]
    """Stage to wall seconds."""
    encoder: ClamrEncoder = field(repr=False)
    tracks: tuple[ContextTrack, ...] = field(default=(), repr=False)
    """Speech, and text on screen where it was read: each line with its time, confidence, and words or place."""
    precision: Precision = "as_encoded"
    """What the vectors of ``tokens`` were rounded to, and are scored in on a CPU where that is quicker."""
    word_windows: tuple[range, ...] | None = None
    """Positions of the candidates that were encoded together with their words, where only some were; None: all, every
    ``method["window_candidates"]`` of them."""

    def __len__(self) -> int:
        return len(self.frame_indices)

    @overload
    def select(self, question: str, **options: Any) -> Selection: ...

    @overload
    def select(self, question: Sequence[str], **options: Any) -> list[Selection]: ...

    def select(
        self,
        question: str | Sequence[str],
        *,
        num_frames: int | Literal["auto"] = 8,
        policy: str = DEFAULT_POLICY,
        similarity: Similarity = "token_max",
        modalities: Sequence[str] | None = None,
        between_seconds: tuple[float, float] | None = None,
        **options: Any,
    ) -> Selection | list[Selection]:
        """The frames that answer a question, or one selection for each of several questions.

        Args:
            question: one, or several to score together.
            num_frames: frames to select; fewer come back only where there are fewer candidates. ``auto`` selects fewer
                where the evidence is concentrated.
            policy: a name of :func:`clamr_select.policies.policy_names`; docs/policies.md describes each.
            similarity: ``token_max`` (default, as the paper at inference) or ``modality_max``.
            modalities: score only these; None takes all.
            between_seconds: select within this span alone, ends included; all candidates are still scored.
            **options: budgets, frames to include, clips, words of time in the question: fields of
                :class:`clamr_select.indexing.choice.ChoiceOptions`; and the policy's own parameters, e.g.
                ``min_gap_seconds``.

        Returns:
            A selection for one question, a list of them for several; each in time order.

        Raises:
            InputError: an empty question, an option out of range, or a span without a candidate.
            UnknownNameError: no such policy, similarity or modality, or another name outside its list.
        """
        questions = as_questions(question)
        modalities, between_seconds = as_tuple(modalities), as_tuple(between_seconds)
        choice = ChoiceOptions.of({"num_frames": num_frames, "policy": policy, **options})
        started = time.perf_counter()
        asked = [as_asked(text, choice) for text in questions]
        owners = [number for number, one in enumerate(asked) for _ in one.texts]
        queries, truncations = self.encoder.encode_query([text for one in asked for text in one.texts])
        encode_seconds = (time.perf_counter() - started) / max(1, len(questions))
        cut = {owners[t.item]: t.num_tokens_cut for t in truncations}
        selections = [
            self._select_one(
                one,
                queries=[query for query, owner in zip(queries, owners, strict=True) if owner == position],
                timings={**self.timings_seconds, "encode_question": encode_seconds},
                warnings=[*self.warnings, *_question_warnings(cut.get(position, 0))],
                similarity=similarity,
                modalities=modalities,
                between_seconds=between_seconds,
                choice=choice,
            )
            for position, one in enumerate(asked)
        ]
        return selections[0] if isinstance(question, str) else selections

    def score(
        self,
        query: torch.Tensor,
        *,
        similarity: Similarity = "token_max",
        modalities: Sequence[str] | None = None,
        within: np.ndarray | None = None,
    ) -> QuestionScores:
        """Scores of every candidate for an encoded question, (num_query_tokens, dim).

        Args:
            within: (num_candidates,) bool, the candidates that compete; None is all of them.

        Raises:
            UnknownNameError: no such similarity.
            InputError: no such modality, or vectors of another dim or not finite.
        """
        if self.encoder.compat == "reference":
            return self._reference_score(query, similarity=similarity, modalities=modalities)
        maxima = self._scorer.maxima(query)
        if modalities is not None:
            maxima[:, self._left_out(modalities)] = -torch.inf
        by_modality = scores_by_modality(maxima).numpy()
        return QuestionScores(
            total=_totals(maxima, similarity),
            competing=_totals(self._without_repeated_text(maxima, by_modality, within), similarity),
            by_modality=by_modality,
            by_query_token=maxima.numpy(),
        )

    def _reference_score(
        self, query: torch.Tensor, *, similarity: Similarity, modalities: Sequence[str] | None
    ) -> QuestionScores:
        """As the released code scores one-frame documents: the prompt and the zero pads score too, and text that
        stays on screen counts in every frame."""
        maxima = candidate_maxima(query, tokens=self.tokens)
        if modalities is not None:
            maxima[:, [1 + position for position in self._left_out(modalities)]] = -torch.inf
        total = _totals(maxima, similarity)
        of_modalities = maxima[:, 1:]
        return QuestionScores(
            total=total,
            competing=total,
            by_modality=scores_by_modality(of_modalities).numpy(),
            by_query_token=of_modalities.numpy(),
        )

    def _without_repeated_text(
        self, maxima: torch.Tensor, by_modality: np.ndarray, within: np.ndarray | None
    ) -> torch.Tensor:
        if OCR not in self.tokens.modalities or not self._text_runs:
            return maxima
        column = self.tokens.modalities.index(OCR)
        ocr_scores = by_modality[:, column]
        if within is not None:  # a page's best frame outside the span must not stand for those inside it
            ocr_scores = np.where(within, ocr_scores, -np.inf)
        repeats = repeats_text(self._text_runs, ocr_scores=ocr_scores)
        once = maxima.clone()
        once[torch.from_numpy(repeats), column] = -torch.inf
        return once

    def policy_inputs(self, policy: str, *, diversity: Diversity = "pooled") -> dict[str, Any]:
        """What a policy looks at beside scores and times, for ``select_indices``.

        Raises:
            UnknownNameError: no such policy.
        """
        takes = policy_inputs(policy)
        given: dict[str, Any] = {}
        if "embeddings" in takes:
            given["embeddings"] = self._pooled
        if "similarity" in takes:
            pooled = diversity == "pooled"
            given["similarity"] = PooledSimilarity(self._pooled) if pooled else LateInteractionSimilarity(self.tokens)
        return given

    def _inputs_of(self, policy: str, diversity: Diversity, within: np.ndarray | None) -> dict[str, Any]:
        """:meth:`policy_inputs` of the candidates that compete."""
        inputs = self.policy_inputs(policy, diversity=diversity)
        return inputs if within is None else some_inputs(inputs, np.flatnonzero(within))

    @cached_property
    def _pooled(self) -> np.ndarray:
        return pooled_frames(self.tokens).numpy()

    @cached_property
    def _text_runs(self) -> list[list[tuple[int, frozenset[str]]]]:
        return text_runs(self.words.get(OCR, []))

    @cached_property
    def _scorer(self) -> SegmentScorer:
        """On the encoder's GPU where it has one: the vectors of hours fit beside any model."""
        device = self.encoder.device if self.encoder.device.type == "cuda" else "cpu"
        return SegmentScorer(
            self.tokens.vectors,
            segments=candidate_segments(self.tokens),
            device=device,
            storage=SCORED_IN.get(self.precision, "as_given") if device == "cpu" else "as_given",
        )

    @property
    def _scoring(self) -> dict[str, str]:
        """What scores, for reports."""
        if self.encoder.compat == "reference":
            return {"engine": "reference", "device": "cpu"}
        return self._scorer.description

    def _within(self, between_seconds: tuple[float, float] | None) -> np.ndarray | None:
        """Which candidates lie in a span: (num_candidates,) bool, or None for no span."""
        if between_seconds is None:
            return None
        start, end = check_span(between_seconds)
        within = (self.timestamps_seconds >= start) & (self.timestamps_seconds <= end)
        if not within.any():
            first, last = self.timestamps_seconds[[0, -1]]
            raise InputError(
                f"no candidate frame between {start:g} and {end:g} s; candidates run from {first:g} to {last:g} s"
            )
        return within

    def _left_out(self, modalities: Sequence[str]) -> list[int]:
        known = self.tokens.modalities
        wanted = check_modalities(modalities, known=known)
        return [position for position, name in enumerate(known) if name not in wanted]

    def _select_one(
        self,
        asked: Asked,
        *,
        queries: Sequence[torch.Tensor],
        timings: dict[str, float],
        warnings: list[SelectionWarning],
        similarity: Similarity,
        modalities: Sequence[str] | None,
        between_seconds: tuple[float, float] | None,
        choice: ChoiceOptions,
    ) -> Selection:
        within = self._within(between_seconds)
        started = time.perf_counter()
        of_texts = [self.score(query, similarity=similarity, modalities=modalities, within=within) for query in queries]
        scores = of_texts[0]
        scored = time.perf_counter()
        competing = np.arange(len(self)) if within is None else np.flatnonzero(within)
        times = self.timestamps_seconds[competing]
        result = choose_frames(
            asked.relevance([found.competing[competing] for found in of_texts], timestamps_seconds=times),
            timestamps_seconds=times,
            options=choice,
            inputs=lambda policy: self._inputs_of(policy, choice.diversity, within),
            facts=self.video_facts,
            plan=asked.plan,
        )
        chosen = competing[list(result.indices)].tolist()
        names = self.tokens.modalities
        by_modality = {
            name: tuple(None if value == -math.inf else value for value in scores.by_modality[:, position].tolist())
            for position, name in enumerate(names)
            if not np.isneginf(scores.by_modality[:, position]).all()
        }
        return Selection(
            video=self.video,
            question=asked.question,
            frame_indices=tuple(int(i) for i in self.frame_indices[chosen]),
            timestamps_seconds=tuple(float(t) for t in self.timestamps_seconds[chosen]),
            scores=tuple(float(s) for s in scores.total[chosen]),
            modality=tuple(best_modality(scores.by_modality[i], names) for i in chosen),
            scores_by_modality={name: tuple(values[i] for i in chosen) for name, values in by_modality.items()},
            text=tuple(self.text_around(i) for i in chosen),
            method={
                **self.method,
                **result.method,
                **asked.method(),
                "similarity": similarity,
                "scoring": self._scoring,
                "modalities": list(names if modalities is None else modalities),
                **({} if between_seconds is None else {"between_seconds": self._finite(between_seconds)}),
            },
            video_facts=self.video_facts,
            warnings=(*warnings, *(SelectionWarning(*warning) for warning in result.warnings)),
            timings_seconds={**timings, "score": scored - started, "policy": time.perf_counter() - scored},
            candidates=CandidateScores(
                frame_indices=tuple(self.frame_indices.tolist()),
                timestamps_seconds=tuple(self.timestamps_seconds.tolist()),
                scores=tuple(scores.total.tolist()),
                scores_by_modality=by_modality,
            ),
        )

    def _finite(self, between_seconds: tuple[float, float]) -> list[float]:
        """The span with the candidates' own ends where it is open, which JSON cannot say."""
        start, end = check_span(between_seconds)
        first, last = float(self.timestamps_seconds[0]), float(self.timestamps_seconds[-1])
        return [start if math.isfinite(start) else first, end if math.isfinite(end) else last]

    def text_around(self, candidate: int) -> dict[str, str]:
        """Modality to the words aligned with a candidate in time, a line each; ``candidate`` is its position."""
        return {name: "\n".join(lines[candidate]) for name, lines in self.words.items() if lines[candidate]}


def best_modality(scores: np.ndarray, names: Sequence[str]) -> str:
    """The name of the highest of a candidate's (num_modalities,) scores; ``none`` where all are absent."""
    best = int(scores.argmax())
    return NO_MODALITY if np.isneginf(scores[best]) else names[best]


def _question_warnings(num_tokens_cut: int) -> list[SelectionWarning]:
    if not num_tokens_cut:
        return []
    message = f"the question is too long for this model; its last {num_tokens_cut} tokens were cut"
    return [SelectionWarning("question_truncated", message)]


def _totals(maxima: torch.Tensor, similarity: Similarity) -> np.ndarray:
    total = aggregate(maxima, similarity=similarity)
    return total.masked_fill(torch.isneginf(total), LOWEST_SCORE).numpy()
