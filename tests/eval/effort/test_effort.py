"""The measurement uses windows encoded beforehand; what it reports is what the real path would."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.eval.effort.command import format_report
from clamr_select.eval.effort.measure import Columns, EffortSettings, measure, recall, recalls, shares
from clamr_select.eval.effort.video import WINDOW, Cost, DrawnWindows, EncodedWindows, encode_video
from clamr_select.eval.needle.long_video import LongVideo, long_video
from clamr_select.eval.policies.needle import index_needle
from clamr_select.indexing.coarse_to_fine.effort import EffortPlan
from clamr_select.indexing.coarse_to_fine.skimmed_video import SkimmedVideo
from clamr_select.model.encoder import ClamrEncoder

PLAN = EffortPlan(skim_step=4, dense_windows=12)


@pytest.fixture(scope="module")
def encoder() -> ClamrEncoder:
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture(scope="module")
def video() -> LongVideo:
    return long_video(seed=5, split="validation", noise="realistic", duration_seconds=240, num_questions=4)


def test_windows_encoded_beforehand_give_what_the_real_path_gives(encoder: ClamrEncoder, video: LongVideo) -> None:
    encoded = encode_video(video, encoder=encoder, plans={"fast": PLAN})
    drawn = DrawnWindows(video, encoder)

    def skimmed(source: EncodedWindows | DrawnWindows) -> SkimmedVideo:
        return SkimmedVideo("needle", "fast", PLAN, encoded.skims["fast"], source=source, encoder=encoder)

    simulated, real = skimmed(EncodedWindows(encoded.windows)), skimmed(drawn)
    for question in video.questions:
        expected, found = real.select(question.text), simulated.select(question.text)
        assert found.frame_indices == expected.frame_indices
        assert found.scores == pytest.approx(expected.scores, abs=1e-5)
        assert found.candidates is not None
        assert expected.candidates is not None
        assert found.candidates.frame_indices == expected.candidates.frame_indices
        assert found.candidates.scores == pytest.approx(expected.candidates.scores, abs=1e-5)
    assert drawn.cost.documents == 12 * len(video.questions)
    assert drawn.cost.frames == 12 * WINDOW * len(video.questions)


def test_all_windows_are_the_full_index(encoder: ClamrEncoder, video: LongVideo) -> None:
    encoded = encode_video(video, encoder=encoder, plans={"fast": PLAN})
    skimmed = SkimmedVideo(
        "needle", "fast", PLAN, encoded.skims["fast"], source=EncodedWindows(encoded.windows), encoder=encoder
    )
    whole, full = skimmed.indexed(encoded.windows), index_needle(video, name="needle", encoder=encoder)
    (query,), _ = encoder.encode_query([video.questions[0].text])

    assert len(whole) == 240
    assert whole.words == full.words
    np.testing.assert_allclose(whole.score(query).competing, full.score(query).competing, atol=1e-5)
    assert encoded.full.frames == 240
    assert encoded.skim_costs["fast"].frames == 60
    assert encoded.skim_costs["fast"].documents == 15
    assert encoded.skim_costs["fast"].tokens < encoded.full.tokens / 4


def test_recall_leaves_out_what_may_answer_as_well(encoder: ClamrEncoder, video: LongVideo) -> None:
    indexed = index_needle(video, name="needle", encoder=encoder)
    question = video.questions[0]
    scores = np.zeros(240, dtype=np.float32)
    first = question.gold_intervals[0][0]
    scores[first] = 1.0

    assert recall(indexed, scores, question, 1) == pytest.approx(1 / len(question.gold_intervals))


def test_shares_by_hand() -> None:
    full = Cost(documents=100, frames=400, tokens=1000, cpu_seconds=10.0)
    found = shares(full, Cost(10, 40, 100, 1.0), Cost(5, 20, 50, 0.5))

    assert found["documents"] == found["tokens"] == found["cpu_seconds"] == pytest.approx(0.15)
    assert found["one more question, cpu_seconds"] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("videos", "low", "high", "drawn"),
    [
        ("aaaabbbb", 0.0, 1.0, "2 videos"),
        ("aaaaaaaa", 0.125, 0.875, "the questions of one video, and say nothing of others"),
    ],
)
def test_intervals_of_recall_draw_videos_and_questions_of_a_single_one(
    videos: str, low: float, high: float, drawn: str
) -> None:
    """``fast`` finds all that ``full`` finds in the first four questions, and nothing in the others."""
    columns: Columns = {"video": list(videos), "target": ["asr"] * 8, "paraphrased": [False] * 8}
    for budget in (8, 32):
        columns |= {f"full@{budget}": [1.0] * 8, f"fast@{budget}": [1.0] * 4 + [0.0] * 4}
    found = recalls(columns, {"fast": PLAN}, seed=1)
    assert found["intervals_draw"] == drawn
    assert found["recall"][0]["fast of full"] == {"ratio": 0.5, "low": low, "high": high}


def test_the_report_has_a_row_for_each_kind_of_question(encoder: ClamrEncoder) -> None:
    settings = EffortSettings(
        split="validation", duration_seconds=240, num_videos=1, questions_per_video=4, num_timed=1, seed=5
    )
    report = measure(settings, encoder=encoder, plans={"fast": PLAN})

    assert report["num_questions"] == 4
    assert report["largest_difference"] < 1e-5
    assert report["shares"]["fast"]["frames"] == pytest.approx((60 + 12 * WINDOW) / 240)
    assert {row["questions"] for row in report["recall"]} >= {"all", "video", "asr"}
    text = format_report(report)
    assert "| fast |" in text
    assert "| all |" in text
    assert "intervals draw the questions of one video, and say nothing of others" in text
    with pytest.raises(InputError, match="at least 1"):
        EffortSettings(num_videos=0)
    with pytest.raises(InputError, match="seed must be at least 0"):
        EffortSettings(seed=-1)
