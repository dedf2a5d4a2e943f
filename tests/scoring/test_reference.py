"""The released scoring, held against matrices that the released functions made (tests/golden/README.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.scoring import reference
from clamr_select.scoring.maxsim import aggregate, segment_maxsim
from clamr_select.scoring.reference import candidate_maxima, document_maxima, reference_similarity
from clamr_select.scoring.segments import document_segments
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings, concatenate

MODALITIES = ("video", "ocr", "asr", "description")


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return load_file(Path(__file__).parents[1] / "golden" / "scores" / "tokens.safetensors")


@pytest.fixture
def documents(golden, monkeypatch) -> list[TokenEmbeddings]:
    """50 documents without their padding, which was to 24 tokens."""
    monkeypatch.setattr(reference, "PADDED_TOKENS", golden["vectors"].shape[1])
    return [
        labelled(vectors[mask.bool()], ids[mask.bool()])
        for vectors, ids, mask in zip(golden["vectors"], golden["modality_ids"], golden["attention_mask"], strict=True)
    ]


def labelled(vectors: torch.Tensor, modality_ids: torch.Tensor, *, candidate: int = NO_CANDIDATE) -> TokenEmbeddings:
    candidates = torch.full_like(modality_ids, candidate)
    return TokenEmbeddings(vectors, modality_ids, candidates, candidates, max(0, candidate + 1), MODALITIES)


@pytest.mark.parametrize("similarity", ["token_max", "modality_max"])
def test_matrices_are_those_of_the_released_code(golden, documents, similarity):
    queries = list(golden["queries"])

    sums = reference_similarity(queries, documents, similarity=similarity)
    means = reference_similarity(queries, documents, similarity=similarity, normalize=True)

    torch.testing.assert_close(sums, golden[f"scores.{similarity}"], atol=1e-5, rtol=0)
    torch.testing.assert_close(means, golden[f"normalized.{similarity}"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("similarity", ["token_max", "modality_max"])
def test_the_documents_tell_the_two_ways_of_scoring_apart(golden, documents, similarity):
    """Else the comparison would prove nothing."""
    corrected = torch.stack(
        [
            torch.stack(
                [
                    aggregate(
                        segment_maxsim(query, vectors=d.vectors, segments=document_segments(d)), similarity=similarity
                    )[0]
                    for d in documents
                ]
            )
            for query in golden["queries"]
        ]
    )
    rankings = corrected.argsort(dim=1), golden[f"normalized.{similarity}"].argsort(dim=1)

    assert not torch.equal(*rankings)


def test_a_pad_beats_a_negative_similarity_and_a_full_document_has_none(monkeypatch):
    query = torch.tensor([[1.0, 0.0]])
    document = labelled(torch.tensor([[-1.0, 0.0]]), torch.tensor([1]))

    assert reference_similarity([query], [document]).item() == 0.0
    monkeypatch.setattr(reference, "PADDED_TOKENS", 1)
    assert reference_similarity([query], [document]).item() == -1.0


def test_prompt_tokens_are_a_modality():
    query = torch.tensor([[1.0, 0.0]])
    document = labelled(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))

    maxima = document_maxima(query, tokens=document)

    assert maxima[0, 0].item() == 1.0
    assert maxima[0, 1].item() == 0.0
    assert torch.isneginf(maxima[0, 2:]).all()


def test_a_frame_scores_as_the_document_it_is(golden, documents):
    video = concatenate([labelled(d.vectors, d.modality_ids, candidate=0) for d in documents])
    query = golden["queries"][0]

    frames = aggregate(candidate_maxima(query, tokens=video), similarity="modality_max")

    torch.testing.assert_close(frames, golden["normalized.modality_max"][0], atol=1e-5, rtol=0)


def test_frames_that_share_a_document_are_refused():
    shared = TokenEmbeddings(
        torch.eye(2), torch.tensor([1, 2]), torch.tensor([0, 0]), torch.tensor([0, 1]), 2, MODALITIES
    )
    with pytest.raises(InputError, match="as_published"):
        candidate_maxima(torch.eye(2), tokens=shared)


def test_unknown_similarity(documents, golden):
    with pytest.raises(UnknownNameError, match="modality_max"):
        reference_similarity(list(golden["queries"]), documents, similarity="mean")
