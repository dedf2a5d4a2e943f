from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pysubs2
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.needle.long_video import MIN_NEAR_MISSES, LongVideo, long_video


@pytest.fixture(scope="module")
def clean() -> LongVideo:
    return long_video(seed=4, split="test", noise="clean", duration_seconds=600)


@pytest.fixture(scope="module")
def noisy() -> LongVideo:
    return long_video(seed=4, split="test", noise="realistic", duration_seconds=600)


def test_questions_have_rare_evidence_and_many_near_misses(clean: LongVideo) -> None:
    assert clean.duration_seconds == 600
    assert len(clean.questions) == 10
    assert {q.target for q in clean.questions} == {"video", "asr", "ocr", "video+asr", "video+ocr", "ocr+asr"}
    for question in clean.questions:
        assert 1 <= len(question.gold_intervals) <= 3
        assert all(2 <= last - first + 1 <= 10 for first, last in question.gold_intervals)
        assert len(question.near_misses) >= MIN_NEAR_MISSES
        missed = {i for first, last in question.near_misses for i in range(first, last + 1)}
        assert not missed & (question.gold | question.ignored)
        assert max(question.gold) < 600


def test_noise_changes_only_the_evidence(clean: LongVideo, noisy: LongVideo) -> None:
    assert clean.questions == noisy.questions
    assert clean.title == noisy.title
    one, other = clean.document(0, 31), noisy.document(0, 31)
    assert len(one.texts) == len(other.texts)
    assert [t.text for t in one.texts] != [t.text for t in other.texts]
    assert 0.3 < np.abs(one.frames[3].astype(int) - other.frames[3]).mean() < 14


def test_frames_and_text_of_a_window_are_those_of_its_time(clean: LongVideo) -> None:
    window = clean.document(40, 55)
    assert len(window.frames) == 16
    assert np.array_equal(window.frames[5], clean.frame(45))
    assert window.neighbors is not None
    assert np.array_equal(window.neighbors[5], clean.neighbor(45))
    earlier = clean.document(30, 45)
    shared = {t.text for t in window.texts if t.first_candidate is not None and t.first_candidate <= 5}
    assert shared <= {t.text for t in earlier.texts} | {clean.title}
    assert window.texts[-1].text == clean.title
    moved = [not np.array_equal(clean.frame(i), clean.neighbor(i)) for i in range(0, 600, 7)]
    assert 0.1 < np.mean(moved) < 0.9


def test_the_oracle_finds_clean_evidence_first(clean: LongVideo, noisy: LongVideo) -> None:
    scores = clean.oracle_scores()
    assert scores.shape == (10, 600)
    for question, row in zip(clean.questions, scores, strict=True):
        gold = sorted(question.gold)
        others = np.setdiff1d(np.arange(600), gold + sorted(question.ignored))
        assert row[gold].min() > row[others].max()
    assert (noisy.oracle_scores() <= 1).all()
    assert noisy.oracle_scores().sum() < scores.sum() + 60


def test_files_hold_the_same_video(tmp_path: Path) -> None:
    video = long_video(seed=1, split="test", noise="realistic", duration_seconds=240, num_questions=1)
    path = video.write(tmp_path / "out", fps=2)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 480
    for second in (0, 100, 239):
        assert frames[2 * second].shape == (360, 640, 3)
        drawn = video.frame(second).astype(int)
        assert np.abs(frames[2 * second].mean(axis=(0, 1)) - drawn.mean(axis=(0, 1))).max() < 12
    lines = pysubs2.load(str(tmp_path / "out" / "video.srt"))
    window = video.document(0, 239)
    assert sorted(line.text for line in lines) == sorted(t.text for t in window.texts if t.modality == "asr")
    (question,) = json.loads((tmp_path / "out" / "questions.json").read_text())
    assert question["question"] == video.questions[0].text
    first, last = video.questions[0].gold_intervals[0]
    assert question["intervals_seconds"][0] == [first, last + 1]


def test_bad_arguments(clean: LongVideo) -> None:
    with pytest.raises(InputError, match="at least 120"):
        long_video(seed=0, split="test", noise="clean", duration_seconds=60)
    with pytest.raises(InputError, match="have room for"):
        long_video(seed=0, split="test", noise="clean", duration_seconds=120, num_questions=30)
    with pytest.raises(UnknownNameError, match="realistic"):
        long_video(seed=0, split="test", noise="loud", duration_seconds=120)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 to 599"):
        clean.frame(600)
    with pytest.raises(InputError, match="first <= last"):
        clean.document(5, 4)
