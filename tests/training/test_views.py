"""Baselines as views of the same documents: what each encodes, what trains it, and how it is scored."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.encoding import encode_documents, encode_queries
from clamr_select.training.prepared import prepare
from clamr_select.training.presets import NANO_OBJECTIVE, nano_objective
from clamr_select.training.scores import score_rows
from clamr_select.training.views import VIEWS, View, alone, view_of


def encoded(retriever, processor, batch, view):
    prepared = prepare(batch, processor=processor, view=view)
    with torch.no_grad():
        return encode_queries(retriever, prepared), encode_documents(retriever, prepared)


def test_one_modality_is_encoded_alone_at_the_same_candidates(make_retriever, processor, batch):
    retriever = make_retriever().eval()
    everything = encoded(retriever, processor, batch, View())[1]
    queries, only = encoded(retriever, processor, batch, View(modality="asr"))
    asr = processor.modality_id("asr")
    assert queries.num_queries == 1  # "glacier?"
    assert set(only.tokens.modality_ids.tolist()) == {asr}
    of_asr = everything.tokens.modality_ids == asr
    for name in ("first_candidates", "last_candidates"):
        assert torch.equal(getattr(only.tokens, name), getattr(everything.tokens, name)[of_asr])
    assert torch.equal(only.document_of_token, everything.document_of_token[of_asr])
    assert torch.equal(only.frame_counts, everything.frame_counts)
    assert not torch.allclose(only.tokens.vectors, everything.tokens.vectors[of_asr])  # frames contextualise no more


def test_separate_modalities_are_those_encoded_alone(make_retriever, processor, batch):
    retriever = make_retriever().eval()
    queries, separate = encoded(retriever, processor, batch, View(separate=True))
    assert queries.num_queries == 3
    encoder = ClamrEncoder(retriever, processor=processor)
    for position, document in enumerate(batch.documents):
        mine = separate.document_of_token == position
        for modality in ("video", "ocr", "asr"):
            (part,) = alone(document, modality)
            (expected,), _ = encoder.encode_document([part])
            assert expected.num_candidates == len(document.frames)
            chosen = mine & (separate.tokens.modality_ids == processor.modality_id(modality))
            torch.testing.assert_close(separate.tokens.vectors[chosen], expected.vectors, atol=1e-5, rtol=0)


def test_average_and_pooled_are_what_a_loop_says(make_retriever, processor, batch):
    retriever = make_retriever().eval()
    queries, documents = encoded(retriever, processor, batch, View())
    for segments in (documents.document_rows(), documents.frame_rows()):
        scores = score_rows(queries, tokens=documents.tokens, segments=segments)
        for q in range(queries.num_queries):
            query = queries.vectors[queries.query_of_token == q]
            for row in range(segments.num_rows):
                by_modality, members = [], []
                for modality in range(segments.num_modalities):
                    at = row * segments.num_modalities + modality
                    entries = segments.token_indices[segments.offsets[at] : segments.offsets[at + 1]]
                    if len(entries):
                        vectors = documents.tokens.vectors[entries]
                        by_modality.append(float((query @ vectors.T).amax(dim=1).mean()))
                        members.append(vectors)
                average = sum(by_modality) / len(by_modality)
                assert math.isclose(float(scores.average[q, row]), average, abs_tol=1e-5)
                cosine = torch.cosine_similarity(query.mean(dim=0), torch.cat(members).mean(dim=0), dim=0)
                assert math.isclose(float(scores.of("pooled")[q, row]), float(cosine), abs_tol=1e-5)


def test_what_is_absent_scores_nothing_in_any_view(make_retriever, processor, batch):
    silent = replace(batch.documents[0], texts=())
    some = replace(batch, documents=(silent, *batch.documents[1:]))
    queries, documents = encoded(make_retriever().eval(), processor, some, View(modality="asr"))
    scores = score_rows(queries, tokens=documents.tokens, segments=documents.document_rows())
    for name in ("token_max", "modality_max", "average", "pooled"):
        assert torch.isneginf(scores.of(name)).tolist() == [[True, False, False]]
    with pytest.raises(UnknownNameError, match="pooled"):
        scores.of("sum")


@pytest.mark.parametrize("system", sorted(set(VIEWS) - {"description", "video", "ocr"}))
def test_every_system_learns_from_its_own_score(make_retriever, processor, batch, system):
    model = ContrastiveModel(make_retriever(), objective=nano_objective(system))
    loss = model(prepare(batch, processor=processor, view=view_of(system)))["loss"]
    loss.backward()
    assert float(loss.detach()) > 0
    gradient = model.retriever.embedding_proj_layer.weight.grad
    assert bool(torch.isfinite(gradient).all())
    assert float(gradient.abs().max()) > 0


def test_systems_share_the_budget_and_differ_in_the_score():
    assert nano_objective("clamr") == nano_objective("separate") == NANO_OBJECTIVE
    total = {rows: sum(t.weight for t in NANO_OBJECTIVE.terms if t.rows == rows) for rows in ("frames", "documents")}
    for system in set(VIEWS) - {"clamr", "separate"}:
        objective = nano_objective(system)
        assert {term.rows: term.weight for term in objective.terms} == total
        assert {term.similarity for term in objective.terms} == {VIEWS[system].score}
    assert {term.loss for term in nano_objective("hard_negative").terms} == {"hard_negative"}
    with pytest.raises(UnknownNameError, match="average"):
        nano_objective("mean")
    with pytest.raises(UnknownNameError, match="score"):
        View("mean")


def test_a_batch_without_a_question_of_the_view_is_refused(processor, batch):
    with pytest.raises(InputError, match="documents and queries"):
        prepare(batch, processor=processor, view=View(modality="ocr"))
    with pytest.raises(InputError, match="has a description"):
        prepare(batch, processor=processor, view=View(modality="description"))


def test_texts_of_a_document_without_frames_stand_at_its_unseen_candidates():
    document = Document((), (TextSegment("asr", "harbor", 1, 2),), num_unseen_candidates=3)
    assert document.num_candidates == 3
    with pytest.raises(InputError, match="< 2"):
        Document((), (TextSegment("asr", "harbor", 1, 2),), num_unseen_candidates=2)
    with pytest.raises(InputError, match="without frames"):
        Document([np.zeros((28, 28, 3), np.uint8)], num_unseen_candidates=2)
