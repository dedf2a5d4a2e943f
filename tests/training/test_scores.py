"""Scores of a batch against the inference code and a naive loop, with their gradients."""

from __future__ import annotations

import math

import pytest
import torch

from clamr_select.model.encoder import ClamrEncoder
from clamr_select.scoring.maxsim import aggregate, segment_maxsim
from clamr_select.scoring.segments import candidate_segments, document_segments, group_tokens
from clamr_select.scoring.tokens import TokenEmbeddings
from clamr_select.training import scores as scores_module
from clamr_select.training.encoding import encode_documents, encode_queries
from clamr_select.training.prepared import prepare
from clamr_select.training.scores import QueryTokens, query_means, score_frames_and_documents, score_rows


def test_query_means_by_hand():
    maxima = torch.tensor([[1.0, 3.0, 5.0], [-math.inf] * 3])
    weights = torch.tensor([[0.5, 0.0], [0.5, 0.0], [0.0, 1.0]])
    assert query_means(maxima, weights=weights).tolist() == [[2.0, 5.0], [-math.inf, -math.inf]]


@pytest.mark.parametrize("documents_per_group", [None, 1, 2])
def test_training_scores_are_those_of_inference(batch, processor, make_retriever, documents_per_group):
    model = make_retriever().eval()
    encoder = ClamrEncoder(model, processor=processor)
    prepared = prepare(batch, processor=processor, documents_per_group=documents_per_group)
    with torch.no_grad():
        encoded, asked = encode_documents(model, prepared), encode_queries(model, prepared)
        frames = score_rows(asked, tokens=encoded.tokens, segments=encoded.frame_rows())
        whole = score_rows(asked, tokens=encoded.tokens, segments=encoded.document_rows())
    queries, _ = encoder.encode_query([query.text for query in batch.queries])
    documents, _ = encoder.encode_document(batch.documents)
    for similarity in ("token_max", "modality_max"):
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
        torch.testing.assert_close(getattr(frames, similarity), torch.stack(expected), atol=1e-5, rtol=0)
        expected_whole = encoder.similarity(queries, documents, similarity=similarity)
        torch.testing.assert_close(getattr(whole, similarity), expected_whole, atol=1e-5, rtol=0)


def made_case() -> tuple[QueryTokens, TokenEmbeddings]:
    """Two queries, three candidates; the second has no token of modality 1, the third none at all."""
    generator = torch.Generator().manual_seed(0)
    tokens = TokenEmbeddings(
        vectors=torch.randn(6, 4, generator=generator, requires_grad=True),
        modality_ids=torch.tensor([1, 1, 2, 2, 2, 0]),
        first_candidates=torch.tensor([0, 0, 0, 1, -1, -1]),
        last_candidates=torch.tensor([0, 0, 1, 1, -1, -1]),
        num_candidates=3,
        modalities=("video", "asr"),
    )
    vectors = torch.randn(5, 4, generator=generator, requires_grad=True)
    return QueryTokens(vectors, torch.tensor([0, 0, 0, 1, 1]), 2), tokens


def naive_frame_scores(queries: QueryTokens, tokens: TokenEmbeddings) -> torch.Tensor:
    """(num_queries, num_candidates, num_modalities) by loops over everything."""
    rows = []
    for query in range(queries.num_queries):
        own = [i for i, q in enumerate(queries.query_of_token.tolist()) if q == query]
        for candidate in range(tokens.num_candidates):
            for modality in range(1, len(tokens.modalities) + 1):
                members = [
                    t
                    for t in range(len(tokens))
                    if tokens.modality_ids[t] == modality
                    and tokens.first_candidates[t] >= 0
                    and tokens.first_candidates[t] <= candidate <= tokens.last_candidates[t]
                ]
                best = [max(queries.vectors[i] @ tokens.vectors[t] for t in members) for i in own if members]
                rows.append(sum(best) / len(own) if best else torch.tensor(-math.inf))
    return torch.stack(rows).view(queries.num_queries, tokens.num_candidates, len(tokens.modalities))


@pytest.mark.parametrize("block_elements", [1, 7, 1 << 23])
def test_scores_and_gradients_of_any_block_size_are_those_of_a_naive_loop(monkeypatch, block_elements):
    monkeypatch.setattr(scores_module, "BLOCK_ELEMENTS", block_elements)
    results = []
    for score in (
        lambda q, t: score_rows(q, tokens=t, segments=candidate_segments(t)).by_modality,
        naive_frame_scores,
    ):
        queries, tokens = made_case()
        table = score(queries, tokens)
        finite = torch.isfinite(table)
        (table[finite] * torch.arange(1, int(finite.sum()) + 1)).sum().backward()
        results.append((table.detach(), queries.vectors.grad, tokens.vectors.grad))
    for ours, naive in zip(*results, strict=True):
        torch.testing.assert_close(ours, naive, atol=1e-5, rtol=1e-5)
    assert not bool(results[0][2][4:].any())  # tokens without a time or modality get none


def test_token_max_takes_the_best_token_of_any_modality():
    queries, tokens = made_case()
    with torch.no_grad():
        whole = score_rows(queries, tokens=tokens, segments=document_segments(tokens))
        similarities = (queries.vectors @ tokens.vectors[:5].T).amax(dim=1)
    expected = [float(similarities[:3].mean()), float(similarities[3:].mean())]
    assert whole.token_max[:, 0].tolist() == pytest.approx(expected, abs=1e-6)
    assert bool((whole.modality_max <= whole.token_max + 1e-6).all())


def documents_case() -> tuple[QueryTokens, TokenEmbeddings, torch.Tensor, torch.Tensor]:
    """Three documents of two, no and three candidates: a text that spans candidates, texts without a time, and a
    candidate without any token; with each token's document, and the documents' candidates."""
    generator = torch.Generator().manual_seed(1)
    tokens = TokenEmbeddings(
        vectors=torch.randn(9, 4, generator=generator, requires_grad=True),
        modality_ids=torch.tensor([1, 2, 2, 2, 1, 1, 2, 2, 1]),
        first_candidates=torch.tensor([0, 0, -1, -1, 2, 2, 2, -1, 3]),
        last_candidates=torch.tensor([0, 1, -1, -1, 2, 2, 3, -1, 3]),
        num_candidates=5,
        modalities=("video", "asr"),
    )
    vectors = torch.randn(6, 4, generator=generator, requires_grad=True)
    owners = torch.tensor([0, 0, 0, 1, 2, 2, 2, 2, 2])
    return QueryTokens(vectors, torch.tensor([0, 0, 0, 1, 1, 2]), 3), tokens, owners, torch.tensor([2, 0, 3])


@pytest.mark.parametrize("block_elements", [1, 1 << 23])
def test_frames_and_documents_together_score_as_each_alone(monkeypatch, block_elements):
    monkeypatch.setattr(scores_module, "BLOCK_ELEMENTS", block_elements)
    results = []
    for together in (True, False):
        queries, tokens, owners, frame_counts = documents_case()
        frames = candidate_segments(tokens)
        documents = group_tokens(
            torch.arange(9), rows=owners, modality_ids=tokens.modality_ids, num_rows=3, num_modalities=2
        )
        if together:
            scores = score_frames_and_documents(
                queries, tokens=tokens, frames=frames, documents=documents, frame_counts=frame_counts
            )
        else:
            scores = tuple(score_rows(queries, tokens=tokens, segments=rows) for rows in (frames, documents))
        tables = [table for rows in scores for table in (rows.token_max, rows.by_modality, rows.pooled)]
        loss = sum(
            (table[torch.isfinite(table)] * torch.arange(1, int(torch.isfinite(table).sum()) + 1)).sum()
            for table in tables
        )
        loss.backward()
        results.append([*(table.detach() for table in tables), queries.vectors.grad, tokens.vectors.grad])
    for both, alone in zip(*results, strict=True):
        torch.testing.assert_close(both, alone, atol=1e-5, rtol=1e-5)
