"""Expected metrics under ties against the mean over every order, and modality accuracy by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.metrics import (
    expected_ndcg_at_k,
    expected_recall_at_k,
    expected_reciprocal_rank,
    modality_report,
    ndcg_at_k,
)


def every_order(scores: np.ndarray) -> list[list[int]]:
    """All rankings that agree with the scores."""
    return [list(o) for o in permutations(range(len(scores))) if (np.diff(scores[list(o)]) <= 0).all()]


@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("scores", [[3, 2, 1, 0.5, 0], [1, 1, 1, 1, 1], [2, 1, 2, 1, 0], [1, 0, 0, 0, 2]])
def test_expected_metrics_are_the_mean_over_every_order(scores, k):
    values = np.array(scores, dtype=float)
    for relevant in ({0}, {1, 4}, {0, 2, 3}):
        mask = np.isin(np.arange(5), list(relevant))
        orders = every_order(values)
        ndcg = np.mean([ndcg_at_k(order, relevant=relevant, k=k) for order in orders])
        recall = np.mean([len(relevant & set(order[:k])) / min(k, len(relevant)) for order in orders])
        assert expected_ndcg_at_k(values, relevant=mask, k=k) == pytest.approx(ndcg)
        assert expected_recall_at_k(values, relevant=mask, k=k) == pytest.approx(recall)
        ranks = [1 + next(place for place, item in enumerate(order) if item in relevant) for order in orders]
        reciprocal = expected_reciprocal_rank(values, relevant=mask)
        assert reciprocal == pytest.approx(np.mean([1 / rank for rank in ranks]))


@pytest.mark.parametrize("scores", [[3, 2, 1, 0.5, 0], [1, 1, 1, 1, 1], [2, 1, 2, 1, 0]])
def test_grades_count_as_much_as_they_say(scores):
    values, grades = np.array(scores, dtype=float), np.array([0.0, 3.0, 1.0, 0.0, 2.0])
    graded = {item: grade for item, grade in enumerate(grades) if grade}
    for k in (1, 2, 3, 5):
        expected = np.mean([ndcg_at_k(order, relevant=graded, k=k) for order in every_order(values)])
        assert expected_ndcg_at_k(values, relevant=grades, k=k) == pytest.approx(expected)
        wanted = expected_recall_at_k(values, relevant=grades > 0, k=k)
        assert expected_recall_at_k(values, relevant=grades, k=k) == wanted


def test_what_cannot_score_is_last():
    scores = np.array([-np.inf, -3.0, -np.inf])
    assert expected_recall_at_k(scores, relevant=np.array([True, False, False]), k=1) == 0
    assert expected_recall_at_k(scores, relevant=np.array([True, False, False]), k=2) == 0.5


def test_undefined_metrics_are_errors():
    scores, relevant = np.array([1.0, 0.0]), np.array([True, False])
    with pytest.raises(InputError, match="k must"):
        expected_ndcg_at_k(scores, relevant=relevant, k=0)
    with pytest.raises(InputError, match="nothing is relevant"):
        expected_ndcg_at_k(scores, relevant=np.array([False, False]), k=1)
    with pytest.raises(InputError, match="one shape"):
        expected_recall_at_k(scores, relevant=np.array([True]), k=1)
    with pytest.raises(InputError, match="grades"):
        expected_reciprocal_rank(scores, relevant=np.array([-1.0, 1.0]))
    with pytest.raises(InputError, match="not a number"):
        expected_recall_at_k(np.array([np.nan, 0]), relevant=relevant, k=1)


def test_modality_accuracy_by_hand():
    report = modality_report(
        [["video", "asr", "asr"], ["video"], ["asr", "video"], ["ocr", "ocr", "asr"]],
        gold=["asr", "video", "asr", "asr"],
        modalities=("video", "ocr", "asr"),
    )
    # predicted: asr, video, video (equal counts: the first name), ocr
    assert report.accuracy == 0.5
    assert report.any_accuracy == 1.0
    assert report.accuracy_by_modality == {"video": 1.0, "asr": pytest.approx(1 / 3)}
    assert report.macro_precision == pytest.approx((0.5 + 1) / 2)
    assert report.macro_recall == pytest.approx((1 + 1 / 3) / 2)
    assert report.macro_f1 == pytest.approx((2 * 0.5 / 1.5 + 2 * (1 / 3) / (4 / 3)) / 2)
    assert report.predicted == {"video": 0.5, "ocr": 0.25, "asr": 0.25}


def test_modality_accuracy_needs_a_winner_for_every_question():
    with pytest.raises(InputError, match="gold"):
        modality_report([], gold=[], modalities=("video",))
    with pytest.raises(InputError, match="smell"):
        modality_report([["smell"]], gold=["video"], modalities=("video",))
    with pytest.raises(InputError, match="winner"):
        modality_report([[]], gold=["video"], modalities=("video",))
