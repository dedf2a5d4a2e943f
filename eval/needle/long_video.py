"""A long video at one candidate a second, with questions, rare evidence and many near misses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clamr_select.eval.needle.noise import Noise
from clamr_select.eval.needle.vocabulary import Split
from clamr_select.model.document import Document


@dataclass(frozen=True)
class LongQuestion:
    """A question and the seconds that answer it. Candidate i is the frame at i seconds."""

    text: str
    target: str
    """``video``, ``ocr``, ``asr``, ``video+asr``, ``video+ocr`` or ``ocr+asr``."""
    gold_intervals: tuple[tuple[int, int], ...]
    """1 to 3 runs of candidates (first, last), both inclusive, 2 to 10 long: all candidates that answer."""
    ignored: frozenset[int]
    """Candidates that may answer as well: neither right nor wrong."""
    near_misses: tuple[tuple[int, int], ...]
    """At least 20 runs of candidates that nearly answer and do not."""
    paraphrased: bool
    held_out: bool

    @property
    def gold(self) -> frozenset[int]:
        """All candidates that answer."""
        return frozenset(i for first, last in self.gold_intervals for i in range(first, last + 1))


class LongVideo:
    """Candidates by index, drawn when asked for; timed text; questions."""

    duration_seconds: int
    questions: tuple[LongQuestion, ...]
    title: str

    def frame(self, index: int) -> np.ndarray:
        """The candidate at ``index`` seconds: (height, width, 3) uint8 RGB."""
        raise NotImplementedError

    def neighbor(self, index: int) -> np.ndarray:
        """The source frame that follows it: things that move have moved on."""
        raise NotImplementedError

    def document(self, first: int, last: int) -> Document:
        """Candidates ``first`` to ``last`` (inclusive) with their neighbours and the text of that time.

        A line that reaches over an edge is in both documents, whole.
        """
        raise NotImplementedError

    def oracle_scores(self) -> np.ndarray:
        """(num_questions, num_candidates) float32, 0..1, as ``DocumentSet.oracle_scores``."""
        raise NotImplementedError

    def write(self, directory: Path, *, fps: int = 5) -> Path:
        """Write ``video.mp4`` (H.264), ``video.srt`` (speech) and ``questions.json``; returns the video's path.

        On-screen text is in the pictures only: reading it is the codec's and the recogniser's task.
        """
        raise NotImplementedError


def long_video(
    *, seed: int, split: Split, noise: Noise, duration_seconds: int, num_questions: int | None = None
) -> LongVideo:
    """A video of ``duration_seconds`` (600 to 3600 in the benchmark; at least 120) with its questions.

    Args:
        num_questions: None gives one a minute. Every question needs some 25 places, so there is a limit.

    Raises:
        InputError: too short, or more questions than there is room for.
        UnknownNameError: no such split or noise level.
    """
    raise NotImplementedError
