"""Long video: hits and recall against a loop, on a video of ten seconds that a document stands for."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.eval.needle.benchmark.long_task import long_material, long_report, question_metrics
from clamr_select.eval.needle.benchmark.plot import save_plot
from clamr_select.eval.needle.benchmark.scored import Scored, score_systems
from clamr_select.eval.needle.benchmark.tables import format_report
from clamr_select.eval.needle.long_video import LongQuestion, LongVideo
from clamr_select.model.document import Document, TextSegment

SECONDS = 40
SPOKEN = {4: "a walrus plays the cello", 21: "the lantern on the pier", 33: "a glacier in the valley"}


class ShortVideo(LongVideo):
    """Grey frames, and something said at three of them."""

    duration_seconds = SECONDS
    title = ""
    questions = (
        LongQuestion("someone says walrus cello", "asr", ((4, 5),), frozenset({3}), (), False, False),
        LongQuestion("someone says glacier valley", "asr", ((12, 13), (33, 34)), frozenset(), (), True, False),
    )

    def __init__(self) -> None:
        """Nothing is planned: everything is below."""

    def document(self, first: int, last: int) -> Document:
        frames = [np.full((56, 112, 3), 90, dtype=np.uint8)] * (last - first + 1)
        texts = [TextSegment("asr", text, at - first, at - first) for at, text in SPOKEN.items() if first <= at <= last]
        return Document(frames, tuple(texts))

    def oracle_scores(self) -> np.ndarray:
        scores = np.zeros((2, SECONDS), dtype=np.float32)
        scores[0, 4] = scores[1, 33] = 1
        return scores


def test_metrics_are_those_of_the_frames_that_the_policy_takes():
    video = ShortVideo()
    metrics = question_metrics(video.oracle_scores(), video.questions, policy="topk")
    assert metrics["hit@1"].tolist() == [1, 1]
    assert metrics["evidence_recall@1"].tolist() == [1, 0.5]
    nothing = question_metrics(np.zeros((2, SECONDS)), video.questions, policy="topk")
    assert nothing["hit@32"].tolist() == [1, 1]  # constant scores are spread evenly
    assert nothing["hit@1"].tolist() == [0, 0]


def test_what_may_answer_as_well_is_neither_right_nor_wrong():
    video = ShortVideo()
    scores = np.zeros((2, SECONDS))
    scores[0, 3], scores[0, 4] = 9, 1
    assert question_metrics(scores, video.questions, policy="topk")["hit@1"][0] == 1


def test_absent_scores_come_last():
    scores = np.full((2, SECONDS), -np.inf)
    scores[0, 5] = -7.0
    video = ShortVideo()
    assert question_metrics(scores, video.questions, policy="topk")["hit@1"][0] == 1
    assert question_metrics(scores, video.questions, policy="topk")["hit@32"][1] == 1


def test_spoken_evidence_is_found_and_reported(encoder, tmp_path):
    video = ShortVideo()
    systems = ["clamr", "bm25_words", "uniform", "oracle", "pooled"]
    scored = score_systems(long_material(video), systems=systems, encoders={"clamr": encoder})
    assert scored.tables["clamr"].shape == (2, SECONDS)
    assert np.isfinite(scored.tables["clamr"]).all()
    report = long_report([scored, scored], [video, video], policy="topk_gap", seed=1)
    assert report["num_questions"]["asr"] == 4
    assert report["systems"]["clamr"]["hit@1"]["all"] == 1.0
    assert report["systems"]["bm25_words"]["evidence_recall@1"]["all"] == 0.75
    assert report["systems"]["clamr"]["hit@32"]["paraphrased"] == 1.0
    assert report["best_baseline"] in ("bm25_words", "uniform")
    whole = {"noise": {"clean": {"long": {"40": report}}}}
    text = format_report(whole)
    assert text.count("intervals draw 2 videos") == 1
    assert "hit@k, k = 1/4/8/16/32" in text
    assert "pooled (no checkpoint of pooled)" in text
    save_plot(whole, tmp_path / "long.png")
    assert (tmp_path / "long.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("num_videos", "low", "high", "drawn"),
    [(2, 0.5, 0.5, "2 videos"), (1, 0.0, 1.0, "the questions of one video, and say nothing of others")],
)
def test_intervals_draw_videos_and_the_questions_of_a_single_one(num_videos, low, high, drawn):
    """One of the two questions of each video is answered: that moves no mean of whole videos."""
    video = ShortVideo()
    scored = Scored(tables={"clamr": np.eye(2, SECONDS, k=4), "uniform": np.zeros((2, SECONDS))})
    assert question_metrics(scored.tables["clamr"], video.questions, policy="topk")["hit@1"].tolist() == [1, 0]
    report = long_report([scored] * num_videos, [video] * num_videos, policy="topk", seed=1)
    assert report["intervals_draw"] == drawn
    for kind in ("interval hit@1", "margin hit@1"):
        found = report["systems"]["clamr"][kind]["all"]
        assert found == {"mean": 0.5, "low": low, "high": high}
    assert f"intervals draw {drawn}" in format_report({"noise": {"clean": {"long": {"40": report}}}})


@pytest.mark.parametrize("window", [1, 4, 7])
def test_windows_cover_every_second_once(window):
    counts = [document.num_candidates for document in long_material(ShortVideo(), window=window).documents()]
    assert sum(counts) == SECONDS
    assert max(counts) == window
