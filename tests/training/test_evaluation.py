"""Metrics of a pool against values worked out by hand, with embeddings that are written down."""

from __future__ import annotations

import math

import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.scoring.tokens import TokenEmbeddings
from clamr_select.training import evaluation
from clamr_select.training.encoding import EncodedDocuments
from clamr_select.training.evaluation import EncodedBatch, retrieval_metrics
from clamr_select.training.losses import IGNORED, NEGATIVE, POSITIVE
from clamr_select.training.relations import hash_keys
from clamr_select.training.scores import QueryTokens


def encoded(
    scores: list[float],
    *,
    relation: list[int],
    keys: list[str] | None = None,
    frames: list[int] | None = None,
    answers: tuple[str, ...] = (),
    question: str = "",
) -> EncodedBatch:
    """One query [1, 0] against one-frame documents [score, 0]: each scores what is written."""
    count = len(scores)
    vectors = torch.tensor([[score, 0.0] for score in scores])
    tokens = TokenEmbeddings(
        vectors=vectors,
        modality_ids=torch.ones(count, dtype=torch.int64),
        first_candidates=torch.arange(count),
        last_candidates=torch.arange(count),
        num_candidates=count,
        modalities=("video",),
    )
    documents = EncodedDocuments(tokens, torch.arange(count), torch.ones(count, dtype=torch.int64))
    queries = QueryTokens(torch.tensor([[1.0, 0.0]]), torch.tensor([0]), 1)
    frame_relations = torch.tensor([frames if frames is not None else [IGNORED] * count])
    hashed = hash_keys(keys) if keys else None
    return EncodedBatch(
        queries,
        documents,
        torch.tensor([relation]),
        frame_relations,
        ["video"],
        [hash_keys(answers)],
        document_keys=hashed,
        question_keys=hash_keys([question]) if question else None,
    )


def test_one_batch_by_hand():
    batch = encoded([0.2, 0.9, 0.5, 0.7], relation=[NEGATIVE, NEGATIVE, POSITIVE, IGNORED])
    metrics = retrieval_metrics([batch])
    assert metrics["ndcg@10"] == pytest.approx(1 / math.log2(3))  # second, the ignored one left out
    assert metrics["ndcg@10_video"] == metrics["ndcg@10"]
    assert (metrics["recall@1"], metrics["recall@5"], metrics["num_queries"]) == (0.0, 1.0, 1.0)
    assert "frame_hit@1" not in metrics


def test_frames_are_ranked_where_they_are_labelled():
    batch = encoded([0.2, 0.9, 0.5], relation=[0, POSITIVE, 0], frames=[POSITIVE, IGNORED, NEGATIVE])
    metrics = retrieval_metrics([batch])
    assert (metrics["frame_hit@1"], metrics["frame_hit@8"]) == (0.0, 1.0)


def test_batches_with_keys_are_one_pool_and_every_key_counts_once():
    first = encoded([0.5], relation=[POSITIVE], keys=["a"])
    second = encoded([0.9, 0.4], relation=[NEGATIVE, POSITIVE], keys=["b", "c"])
    third = encoded([0.95, 0.9, 0.1], relation=[NEGATIVE, NEGATIVE, POSITIVE], keys=["a", "b", "d"])
    metrics = retrieval_metrics([first, second, third])
    ranks = (2, 3, 4)  # a: below b; c: below b and one a; d: below a, b and c
    assert metrics["ndcg@10"] == pytest.approx(sum(1 / math.log2(rank + 1) for rank in ranks) / 3)
    alone = retrieval_metrics([encoded([0.5], relation=[POSITIVE]), encoded([0.9, 0.4], relation=[0, POSITIVE])])
    assert alone["recall@1"] == 0.5


def test_answers_in_other_batches_are_right():
    first = encoded([0.5], relation=[POSITIVE], keys=["a"], answers=("a", "c"))
    second = encoded([0.9, 0.4], relation=[POSITIVE, NEGATIVE], keys=["b", "c"])
    metrics = retrieval_metrics([first, second])
    found = (1 / math.log2(3) + 1 / math.log2(4)) / (1 + 1 / math.log2(3))  # a and c, below b
    assert metrics["ndcg@10"] == pytest.approx((found + 1) / 2)


def test_a_question_beside_several_videos_counts_once():
    """Three rows ask for the better, and one asks for the worse."""
    answers = ("a", "b", "c")
    rows = [
        encoded([score], relation=[POSITIVE], keys=[key], answers=answers, question="one")
        for key, score in zip(answers, (0.9, 0.8, 0.7), strict=True)
    ]
    other = encoded([0.1], relation=[POSITIVE], keys=["d"], answers=("d",), question="other")

    metrics = retrieval_metrics([*rows, other])

    assert metrics["num_queries"] == 2
    assert metrics["ndcg@10"] == pytest.approx((1 + 1 / math.log2(5)) / 2)
    assert metrics["recall@1"] == 0.5  # of three answers one has room at the first place, and it is there


@pytest.mark.parametrize("block", [1, 2, 3, 64])
def test_the_size_of_blocks_changes_nothing(block, monkeypatch):
    monkeypatch.setattr(evaluation, "BLOCK_DOCUMENTS", block)
    generator = torch.Generator().manual_seed(0)
    batches = [
        encoded(
            torch.rand(size, generator=generator).tolist(), relation=[POSITIVE] + [NEGATIVE] * (size - 1), keys=keys
        )
        for size, keys in ((1, ["a"]), (3, ["b", "c", "d"]), (2, ["e", "a"]), (1, ["f"]))
    ]
    metrics = retrieval_metrics(batches)
    monkeypatch.undo()

    assert metrics == retrieval_metrics(batches)


def test_nothing_positive_is_an_error():
    with pytest.raises(InputError, match="no query"):
        retrieval_metrics([encoded([0.5, 0.1], relation=[NEGATIVE, IGNORED])])
