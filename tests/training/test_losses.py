"""Losses against values computed by hand, and scores of a batch against the inference code."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from clamr_select.model.document import Document, TextSegment
from clamr_select.scoring.maxsim import aggregate, segment_maxsim
from clamr_select.scoring.segments import candidate_segments
from clamr_select.training.batch import TrainingBatch, TrainingQuery
from clamr_select.training.losses import IGNORED, NEGATIVE, POSITIVE, contrastive_loss, query_means
from clamr_select.training.nano import nano_model, nano_processor, train_tokenizer
from clamr_select.training.scores import batch_scores, relations
from clamr_select.training.trainer import Trainer, TrainingOptions, prepare, rate_factor


def test_contrastive_loss_by_hand():
    scores = torch.tensor([[2.0, 1.0, 0.0]])
    relation = torch.tensor([[POSITIVE, NEGATIVE, NEGATIVE]])
    expected = -math.log(math.exp(2) / (math.exp(2) + math.exp(1) + 1))
    assert float(contrastive_loss(scores, relation=relation)) == pytest.approx(expected, abs=1e-6)


def test_positives_do_not_compete_and_ignored_rows_do_not_count():
    scores = torch.tensor([[2.0, 3.0, 1.0, 9.0]])
    relation = torch.tensor([[POSITIVE, POSITIVE, NEGATIVE, IGNORED]])
    each = [-math.log(math.exp(s) / (math.exp(s) + math.exp(1))) for s in (2, 3)]
    assert float(contrastive_loss(scores, relation=relation)) == pytest.approx(sum(each) / 2, abs=1e-6)


def test_a_positive_that_cannot_score_leaves_the_loss_finite():
    scores = torch.tensor([[-math.inf, 1.0], [2.0, 1.0]], requires_grad=True)
    relation = torch.tensor([[POSITIVE, NEGATIVE], [POSITIVE, NEGATIVE]])
    loss = contrastive_loss(scores, relation=relation)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-math.log(math.exp(2) / (math.exp(2) + math.exp(1))), abs=1e-6)
    assert bool(torch.isfinite(scores.grad).all())
    nothing = contrastive_loss(scores.detach(), relation=torch.full((2, 2), IGNORED))
    assert float(nothing) == 0.0


def test_query_means_by_hand():
    maxima = torch.tensor([[1.0, 3.0, 5.0], [-math.inf] * 3])
    means = query_means(maxima, query_of_token=torch.tensor([0, 0, 1]), num_queries=2)
    assert means.tolist() == [[2.0, 5.0], [-math.inf, -math.inf]]


@pytest.fixture(scope="module")
def processor():
    return nano_processor(train_tokenizer(["harbor lantern glacier Query: OCR: ASR:"] * 4, vocab_size=300))


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)

    def document(num_frames: int, words: str) -> Document:
        frames = [rng.integers(0, 256, (63, 112, 3), dtype=np.uint8) for _ in range(num_frames)]
        return Document(frames, (TextSegment("asr", words, 0, num_frames - 1), TextSegment("ocr", "harbor", 0, 0)))

    documents = (document(3, "harbor lantern"), document(1, "glacier"), document(2, "lantern glacier harbor"))
    queries = (
        TrainingQuery("glacier?", "asr", (1,), ((1, 0),), ignored_documents=(2,), ignored_frames=((2, 0), (2, 1))),
        TrainingQuery("the harbor film", "description", (0,)),
        TrainingQuery("lantern and a square", "video+asr", (2,), ((2, 1),)),
    )
    return TrainingBatch(documents, queries)


def test_relations_by_hand(batch):
    frames, documents = relations(batch)
    assert frames.tolist() == [
        [0, 0, 0, POSITIVE, IGNORED, IGNORED],
        [IGNORED] * 6,
        [0, 0, 0, 0, 0, POSITIVE],
    ]
    assert documents.tolist() == [[0, POSITIVE, IGNORED], [POSITIVE, 0, 0], [0, 0, POSITIVE]]


def test_training_scores_are_those_of_inference(batch, processor):
    from clamr_select.model.encoder import ClamrEncoder

    torch.manual_seed(0)
    model = nano_model(processor.tokenizer).eval()
    encoder = ClamrEncoder(model, processor=processor)
    prepared = prepare(batch, processor=processor)
    with torch.no_grad():
        scores = batch_scores(model, groups=prepared.groups, queries=prepared.queries, frame_counts=[3, 1, 2])
    queries, _ = encoder.encode_query([query.text for query in batch.queries])
    documents, _ = encoder.encode_document(batch.documents)
    for similarity, frames, whole in (
        ("token_max", scores.frames_token_max, scores.documents_token_max),
        ("modality_max", scores.frames_modality_max, scores.documents_modality_max),
    ):
        expected = [
            torch.cat(
                [
                    aggregate(
                        segment_maxsim(query, vectors=d.vectors, segments=candidate_segments(d)), similarity=similarity
                    )
                    for d in documents
                ]
            )
            for query in queries
        ]
        torch.testing.assert_close(frames, torch.stack(expected), atol=1e-5, rtol=0)
        torch.testing.assert_close(
            whole, encoder.similarity(queries, documents, similarity=similarity), atol=1e-5, rtol=0
        )


def test_training_lowers_the_loss_and_resumes_to_the_same_weights(batch, processor, tmp_path):
    def trainer(directory, num_steps):
        torch.manual_seed(0)
        options = TrainingOptions(num_steps=num_steps, warmup_steps=2, checkpoint_every=3, log_every=1)
        return Trainer(nano_model(processor.tokenizer), processor=processor, options=options, directory=directory)

    prepared = prepare(batch, processor=processor)

    def batches(first_step):
        while True:
            yield prepared

    straight = trainer(tmp_path / "straight", 6)
    first = straight._one_step(prepared)
    straight = trainer(tmp_path / "straight", 6)
    straight.train(batches)
    assert straight._one_step(prepared) < first - 0.5

    class Killed(Exception):
        pass

    def stop(step):
        raise Killed

    broken = trainer(tmp_path / "broken", 6)
    with pytest.raises(Killed):
        broken.train(batches, on_checkpoint=stop)
    resumed = trainer(tmp_path / "broken", 6)
    resumed.train(batches)
    reference = trainer(tmp_path / "reference", 6)
    reference.train(batches)
    for (name, one), other in zip(resumed.model.named_parameters(), reference.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=0, msg=name)


def test_rate_warms_up_stays_and_decays():
    options = TrainingOptions(num_steps=1000, warmup_steps=10, flat_share=0.3)
    factors = [rate_factor(step, options=options) for step in range(1000)]
    assert factors[0] == 0.1
    assert factors[10:300] == [1.0] * 290
    assert all(b <= a for a, b in itertools.pairwise(factors[300:]))
    assert factors[-1] == pytest.approx(1e-3, abs=1e-3)
