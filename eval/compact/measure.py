"""Long videos encoded once, then answered from fewer and smaller vectors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clamr_select.errors import InputError
from clamr_select.eval.needle.long_video import LongVideo
from clamr_select.eval.policies.needle import NeedleSet, draw_video, index_needle
from clamr_select.indexing.compact import compact_tokens
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.indexing.stored_index import to_entry
from clamr_select.metrics import ClusterBootstrap, evidence_recall
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.codes import Precision

logger = logging.getLogger(__name__)

PRECISIONS: tuple[Precision, ...] = ("as_encoded", "bfloat16", "int8", "int4")
POOLING = (1, 2, 4, 8)
TOP = 8


@dataclass(frozen=True)
class Setting:
    """How embeddings are kept."""

    token_pooling: int
    precision: Precision

    def of(self, indexed: IndexedVideo) -> IndexedVideo:
        """The video as it would have been indexed so."""
        tokens = compact_tokens(indexed.tokens, token_pooling=self.token_pooling, precision=self.precision)
        return replace(indexed, tokens=tokens, precision=self.precision)


WHOLE = Setting(1, "as_encoded")


@dataclass(frozen=True)
class _Answers:
    """Of one setting, over all questions."""

    recall: list[float]
    best: list[frozenset[int]]
    bytes_per_candidate: list[float]
    tokens_per_candidate: list[float]


def measure(
    wanted: NeedleSet, *, encoder: ClamrEncoder, settings: Sequence[Setting], num_frames: int = 8, seed: int = 1
) -> dict[str, Any]:
    """Evidence recall of the frames selected, less the whole embeddings' on the same questions.

    Intervals draw videos. ``same of the best`` compares candidates by score alone.

    Raises:
        InputError: no setting, or a number out of range.
    """
    if not settings or num_frames < 1:
        raise InputError(f"got {len(settings)} settings and {num_frames} frames; at least 1 of each")
    answers = {setting: _Answers([], [], [], []) for setting in dict.fromkeys([WHOLE, *settings])}
    videos: list[str] = []
    targets: list[str] = []
    for number in range(wanted.num_videos):
        video = draw_video(wanted, number=number)
        indexed = index_needle(video, name=str(number), encoder=encoder)
        videos += [indexed.video] * len(video.questions)
        targets += [question.target for question in video.questions]
        for setting, found in answers.items():
            _answer(setting.of(indexed), video, num_frames=num_frames, found=found)
        logger.info("video %d of %d", number + 1, wanted.num_videos)
    draws = ClusterBootstrap(videos, seed=seed)
    return {
        "num_videos": wanted.num_videos,
        "num_questions": len(videos),
        "num_frames": num_frames,
        "settings": [_record(setting, answers, draws, np.array(targets)) for setting in answers],
    }


def _answer(indexed: IndexedVideo, video: LongVideo, *, num_frames: int, found: _Answers) -> None:
    stored = to_entry(indexed).tensors
    size = sum(t.numel() * t.element_size() for name, t in stored.items()) / len(indexed)
    queries, _ = indexed.encoder.encode_query([question.text for question in video.questions])
    selections = indexed.select([question.text for question in video.questions], num_frames=num_frames)
    for question, query, selection in zip(video.questions, queries, selections, strict=True):
        gold = [(float(first), float(last)) for first, last in question.gold_intervals]
        found.recall.append(evidence_recall(selection.timestamps_seconds, evidence_seconds=gold))
        order = np.argsort(-indexed.score(query).total, kind="stable")
        found.best.append(frozenset(order[:TOP].tolist()))
        found.bytes_per_candidate.append(size)
        found.tokens_per_candidate.append(len(indexed.tokens) / len(indexed))


def _record(
    setting: Setting, answers: dict[Setting, _Answers], draws: ClusterBootstrap, targets: np.ndarray
) -> dict[str, Any]:
    found, whole = answers[setting], answers[WHOLE]
    recall = np.array(found.recall)
    same = [len(ours & theirs) / len(theirs) for ours, theirs in zip(found.best, whole.best, strict=True)]
    return {
        "token_pooling": setting.token_pooling,
        "precision": setting.precision,
        "bytes a candidate": float(np.mean(found.bytes_per_candidate)),
        "tokens a candidate": float(np.mean(found.tokens_per_candidate)),
        "smaller by": float(np.mean(whole.bytes_per_candidate) / np.mean(found.bytes_per_candidate)),
        "evidence recall": draws.interval(recall).as_dict(),
        "less the whole": draws.interval(recall - np.array(whole.recall)).as_dict(),
        "by target": {str(name): float(recall[targets == name].mean()) for name in np.unique(targets)},
        f"same of the best {TOP}": float(np.mean(same)),
    }
