"""Each loss against values computed by hand, and gradients that stay finite where scores do not."""

from __future__ import annotations

import math

import pytest
import torch

from clamr_select.training.losses import (
    IGNORED,
    NEGATIVE,
    NO_TARGET,
    POSITIVE,
    gold_is_absent,
    hard_negative_infonce,
    hard_positive_infonce,
    infonce,
    kl_divergence,
    margin_mse,
    pairwise_softplus,
)

INF = math.inf
VIDEO, OCR = 1, 2


def nll(positive: float, *negatives: float) -> float:
    """``-log(exp(positive) / sum of all exp)`` in plain arithmetic."""
    return -math.log(math.exp(positive) / sum(math.exp(x) for x in (positive, *negatives)))


def test_infonce_by_hand():
    scores = torch.tensor([[2.0, 1.0, 0.0]])
    relation = torch.tensor([[POSITIVE, NEGATIVE, NEGATIVE]])
    assert infonce(scores, relation=relation).tolist() == pytest.approx([nll(2, 1, 0)], abs=1e-6)


def test_infonce_positives_do_not_compete_and_ignored_rows_do_not_count():
    scores = torch.tensor([[2.0, 3.0, 1.0, 9.0]])
    relation = torch.tensor([[POSITIVE, POSITIVE, NEGATIVE, IGNORED]])
    assert infonce(scores, relation=relation).tolist() == pytest.approx([nll(2, 1), nll(3, 1)], abs=1e-6)


def test_pairwise_softplus_by_hand():
    scores = torch.tensor([[2.0, 1.0, 0.5], [0.0, 3.0, 1.0], [1.0, 5.0, 0.0]])
    relation = torch.tensor(
        [[POSITIVE, NEGATIVE, NEGATIVE], [NEGATIVE, POSITIVE, NEGATIVE], [POSITIVE, IGNORED, IGNORED]]
    )
    expected = [math.log1p(math.exp(1 - 2)), math.log1p(math.exp(1 - 3))]
    assert pairwise_softplus(scores, relation=relation).tolist() == pytest.approx(expected, abs=1e-6)


# one query, two documents: the first answers by its screen text, though its picture scores higher
BY_MODALITY = torch.tensor([[[3.0, 2.0], [1.0, 0.5]]])
RELATION = torch.tensor([[POSITIVE, NEGATIVE]])


def test_hard_positive_counts_the_gold_modality_against_the_best_of_the_others():
    loss = hard_positive_infonce(BY_MODALITY, relation=RELATION, target_ids=torch.tensor([OCR]))
    assert loss.tolist() == pytest.approx([nll(2.0, 1.0)], abs=1e-6)


def test_hard_negative_counts_every_other_pair_once_and_never_the_positive():
    loss = hard_negative_infonce(BY_MODALITY, relation=RELATION, target_ids=torch.tensor([OCR]))
    assert loss.tolist() == pytest.approx([nll(2.0, 3.0, 1.0, 0.5)], abs=1e-6)


def test_hard_losses_on_two_by_two_with_one_unlabelled_query():
    """The released code raises here, or mixes the rows of both queries."""
    by_modality = torch.tensor([[[3.0, 2.0], [1.0, 0.5]], [[0.0, 1.5], [2.5, 1.0]]])
    relation = torch.tensor([[POSITIVE, NEGATIVE], [NEGATIVE, POSITIVE]])
    targets = torch.tensor([OCR, NO_TARGET])
    hard_positive = hard_positive_infonce(by_modality, relation=relation, target_ids=targets)
    assert hard_positive.tolist() == pytest.approx([nll(2.0, 1.0), nll(2.5, 1.5)], abs=1e-6)
    hard_negative = hard_negative_infonce(by_modality, relation=relation, target_ids=targets)
    assert hard_negative.tolist() == pytest.approx([nll(2.0, 3.0, 1.0, 0.5), nll(2.5, 0.0, 1.5)], abs=1e-6)
    assert gold_is_absent(by_modality, relation=relation, target_ids=targets).tolist() == [
        [False, False],
        [False, True],
    ]


def test_a_positive_without_its_gold_modality_keeps_its_best_one():
    by_modality = torch.tensor([[[3.0, -INF], [1.0, 0.5]]])
    target = torch.tensor([OCR])
    for loss, negatives in ((hard_positive_infonce, [1.0]), (hard_negative_infonce, [1.0, 0.5])):
        value = loss(by_modality, relation=RELATION, target_ids=target)
        assert value.tolist() == pytest.approx([nll(3.0, *negatives)], abs=1e-6)
    assert bool(gold_is_absent(by_modality, relation=RELATION, target_ids=target)[0, 0])


def test_kl_by_hand_over_rows_that_the_teacher_knows():
    scores = torch.tensor([[1.0, 0.0, 5.0], [1.0, 2.0, 3.0]])
    teacher = torch.tensor([[0.0, 2.0, math.nan], [math.nan, 1.0, math.nan]])
    p = math.exp(2) / (1 + math.exp(2))
    q = 1 / (1 + math.e)
    expected = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    assert kl_divergence(scores, teacher=teacher).tolist() == pytest.approx([expected], abs=1e-6)


def test_margin_mse_by_hand():
    scores = torch.tensor([[0.9, 0.5, 0.1, 0.0]])
    teacher = torch.tensor([[4.0, 1.0, math.nan, 3.5]])
    relation = torch.tensor([[POSITIVE, NEGATIVE, NEGATIVE, NEGATIVE]])
    expected = [(0.4 - 3.0) ** 2, (0.9 - 0.5) ** 2]
    assert margin_mse(scores, teacher=teacher, relation=relation).tolist() == pytest.approx(expected, abs=1e-6)


AWKWARD = {
    "a positive that cannot score": ([[-INF, 1.0], [2.0, 1.0]], [[POSITIVE, NEGATIVE], [POSITIVE, NEGATIVE]], 1),
    "a negative that cannot score": ([[2.0, -INF, 1.0]], [[POSITIVE, NEGATIVE, NEGATIVE]], 1),
    "no negative at all": ([[2.0, 1.0], [2.0, 1.0]], [[POSITIVE, IGNORED], [POSITIVE, NEGATIVE]], 1),
    "no negative that scores": ([[2.0, -INF]], [[POSITIVE, NEGATIVE]], 0),
    "nothing positive": ([[2.0, 1.0]], [[IGNORED, NEGATIVE]], 0),
}


@pytest.mark.parametrize("case", AWKWARD)
@pytest.mark.parametrize("loss", ["infonce", "pairwise", "hard_positive", "hard_negative"])
def test_losses_and_gradients_stay_finite(loss, case):
    values, relations, count = AWKWARD[case]
    scores = torch.tensor(values, requires_grad=True)
    relation = torch.tensor(relations)
    by_modality = scores[..., None].expand(-1, -1, 1)
    target_ids = torch.ones(len(values), dtype=torch.int64)
    losses = {
        "infonce": lambda: infonce(scores, relation=relation),
        "pairwise": lambda: pairwise_softplus(scores, relation=relation),
        "hard_positive": lambda: hard_positive_infonce(by_modality, relation=relation, target_ids=target_ids),
        "hard_negative": lambda: hard_negative_infonce(by_modality, relation=relation, target_ids=target_ids),
    }[loss]()
    losses.sum().backward()
    assert len(losses) == count
    assert bool(torch.isfinite(losses).all())
    assert bool(torch.isfinite(scores.grad).all())
    assert bool(scores.grad.any()) == (count > 0)
