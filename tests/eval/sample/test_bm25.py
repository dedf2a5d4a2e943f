from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from clamr_select.errors import InputError, MissingDependencyError
from clamr_select.eval.sample.bm25 import bm25_scores
from clamr_select.eval.sample.programme import FPS, Programme, build_programme


def test_against_the_formula() -> None:
    texts = ["lantern harbor", "harbor harbor oak pine", "", "pine", "Lantern, harbor; oak!"]
    documents = [text.lower().replace(",", "").replace(";", "").replace("!", "").split() for text in texts]
    mean = sum(map(len, documents)) / len(documents)
    expected = []
    for words in documents:
        score = 0.0
        for asked in ("harbor", "oak"):
            holding = sum(asked in other for other in documents)
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            count = words.count(asked)
            score += idf * count / (count + 1.5 * (1 - 0.75 + 0.75 * len(words) / mean))
        expected.append(score)
    scores = bm25_scores(texts, question="Where is the harbor, and the OAK?")
    assert scores == pytest.approx(expected, abs=1e-5)
    assert scores.dtype == np.float32


def test_no_shared_word_scores_zero() -> None:
    assert bm25_scores(["lantern", "harbor"], question="when is the volcano?").tolist() == [0.0, 0.0]
    assert bm25_scores(["", ""], question="volcano").tolist() == [0.0, 0.0]


def test_no_candidates() -> None:
    with pytest.raises(InputError, match="at least one"):
        bm25_scores([], question="volcano")


def test_without_bm25s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[eval\]"):
        bm25_scores(["lantern"], question="lantern")


def candidate_texts(programme: Programme) -> list[str]:
    """What is said and written at each second."""
    starts = programme.starts_seconds()
    texts = []
    for second in range(programme.num_frames // FPS):
        shot = programme.shots[max(i for i, start in enumerate(starts) if start <= second)]
        said = [t.text for t in programme.subtitles if t.start_seconds <= second < t.end_seconds]
        texts.append(" ".join([*said, shot.title, *shot.lines, shot.sign]))
    return texts


def test_on_the_sample_it_finds_the_speech_and_misses_what_needs_the_picture_too() -> None:
    programme = build_programme()
    texts = candidate_texts(programme)
    hits = {}
    for question in programme.questions:
        best = np.argsort(-bm25_scores(texts, question=question.question), kind="stable")[:8]
        hits[question.modality] = any(question.start_seconds <= t <= question.end_seconds for t in best)
    assert hits["asr"]
    assert hits["ocr"]
    assert not hits["video+asr"]
    assert not hits["video"]
