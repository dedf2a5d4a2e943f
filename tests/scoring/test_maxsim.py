"""Late interaction against a naive loop, and the promises about padding, absence and dtype."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.scoring import maxsim
from clamr_select.scoring.maxsim import aggregate, scores_by_modality, segment_maxsim
from clamr_select.scoring.segments import candidate_segments, document_segments
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings, concatenate

MODALITIES = ("video", "ocr", "asr", "description")


def make_tokens(seed: int, *, num_candidates: int, num_tokens: int, dim: int = 6) -> TokenEmbeddings:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.nn.functional.normalize(torch.randn(num_tokens, dim, generator=generator), dim=1)
    first = torch.randint(0, num_candidates, (num_tokens,), generator=generator).sort().values
    last = (first + torch.randint(0, 3, (num_tokens,), generator=generator)).clamp(max=num_candidates - 1)
    untimed = torch.rand(num_tokens, generator=generator) < 0.2
    return TokenEmbeddings(
        vectors=vectors,
        modality_ids=torch.randint(0, len(MODALITIES) + 1, (num_tokens,), generator=generator),
        first_candidates=first.masked_fill(untimed, NO_CANDIDATE),
        last_candidates=last.masked_fill(untimed, NO_CANDIDATE),
        num_candidates=num_candidates,
        modalities=MODALITIES,
    )


def naive_maxima(query: torch.Tensor, tokens: TokenEmbeddings, *, candidate: int | None) -> list[list[float]]:
    """[modality][query token]; candidate None takes the whole document."""
    maxima = [[-math.inf] * len(query) for _ in tokens.modalities]
    for position in range(len(tokens)):
        modality = int(tokens.modality_ids[position])
        first, last = int(tokens.first_candidates[position]), int(tokens.last_candidates[position])
        belongs = candidate is None or (first != NO_CANDIDATE and first <= candidate <= last)
        if modality == 0 or not belongs:
            continue
        for q in range(len(query)):
            value = float(query[q] @ tokens.vectors[position])
            maxima[modality - 1][q] = max(maxima[modality - 1][q], value)
    return maxima


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    num_candidates=st.integers(1, 7),
    num_tokens=st.integers(0, 40),
    num_query_tokens=st.integers(1, 5),
    block_elements=st.sampled_from([1, 7, 64, 1 << 22]),
)
def test_scores_equal_a_naive_loop(seed, num_candidates, num_tokens, num_query_tokens, block_elements):
    tokens = make_tokens(seed, num_candidates=num_candidates, num_tokens=num_tokens)
    query = torch.randn(num_query_tokens, 6, generator=torch.Generator().manual_seed(seed + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maxsim, "BLOCK_ELEMENTS", block_elements)
        frames = segment_maxsim(query, vectors=tokens.vectors, segments=candidate_segments(tokens))
        whole = segment_maxsim(query, vectors=tokens.vectors, segments=document_segments(tokens))
    naive = torch.tensor([naive_maxima(query, tokens, candidate=c) for c in range(num_candidates)])
    torch.testing.assert_close(frames, naive, atol=1e-5, rtol=0)
    torch.testing.assert_close(whole[0], torch.tensor(naive_maxima(query, tokens, candidate=None)), atol=1e-5, rtol=0)
    token_max = [
        sum(max(row[m][q] for m in range(4)) for q in range(len(query))) / len(query) for row in naive.tolist()
    ]
    modality_max = [max(sum(row[m]) / len(query) for m in range(4)) for row in naive.tolist()]
    torch.testing.assert_close(aggregate(frames, similarity="token_max"), torch.tensor(token_max), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        aggregate(frames, similarity="modality_max"), torch.tensor(modality_max), atol=1e-5, rtol=0
    )


def test_an_absent_modality_never_wins_over_negative_similarities():
    tokens = TokenEmbeddings(
        vectors=torch.tensor([[-1.0, 0.0]]),
        modality_ids=torch.tensor([1]),
        first_candidates=torch.tensor([0]),
        last_candidates=torch.tensor([0]),
        num_candidates=2,
        modalities=("video", "ocr"),
    )
    maxima = segment_maxsim(torch.tensor([[1.0, 0.0]]), vectors=tokens.vectors, segments=candidate_segments(tokens))
    assert scores_by_modality(maxima).tolist() == [[-1.0, -math.inf], [-math.inf, -math.inf]]
    for similarity in ("token_max", "modality_max"):
        assert aggregate(maxima, similarity=similarity).tolist() == [-1.0, -math.inf]


def test_prompt_and_padding_tokens_change_nothing():
    tokens = make_tokens(3, num_candidates=4, num_tokens=30)
    query = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    extra = TokenEmbeddings(
        vectors=torch.cat([tokens.vectors, torch.zeros(5, 6), query]),
        modality_ids=torch.cat([tokens.modality_ids, torch.zeros(8, dtype=torch.long)]),
        first_candidates=torch.cat([tokens.first_candidates, torch.zeros(8, dtype=torch.long)]),
        last_candidates=torch.cat([tokens.last_candidates, torch.zeros(8, dtype=torch.long)]),
        num_candidates=4,
        modalities=MODALITIES,
    )
    plain = segment_maxsim(query, vectors=tokens.vectors, segments=candidate_segments(tokens))
    padded = segment_maxsim(query, vectors=extra.vectors, segments=candidate_segments(extra))
    torch.testing.assert_close(plain, padded, atol=1e-6, rtol=0)


def test_bfloat16_storage_is_summed_in_float32():
    tokens = make_tokens(5, num_candidates=50, num_tokens=400)
    query = torch.randn(16, 6, generator=torch.Generator().manual_seed(2))
    half = segment_maxsim(query, vectors=tokens.vectors.bfloat16(), segments=candidate_segments(tokens))
    assert half.dtype == torch.float32
    scores = aggregate(half, similarity="token_max")
    assert len(scores.unique()) > 40  # in bfloat16 sums they collapse onto a few values


def test_documents_joined_score_as_apart():
    parts = [make_tokens(seed, num_candidates=3, num_tokens=12) for seed in (1, 2, 3)]
    query = torch.randn(4, 6, generator=torch.Generator().manual_seed(3))
    joined = concatenate(parts)
    apart = [segment_maxsim(query, vectors=p.vectors, segments=candidate_segments(p)) for p in parts]
    together = segment_maxsim(query, vectors=joined.vectors, segments=candidate_segments(joined))
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-6, rtol=0)
    assert joined.num_candidates == 9


def test_fails_on_what_cannot_be_scored():
    tokens = make_tokens(1, num_candidates=2, num_tokens=5)
    segments = candidate_segments(tokens)
    with pytest.raises(InputError, match="no token"):
        segment_maxsim(torch.zeros(0, 6), vectors=tokens.vectors, segments=segments)
    with pytest.raises(InputError, match="one dim"):
        segment_maxsim(torch.zeros(1, 5), vectors=tokens.vectors, segments=segments)
    with pytest.raises(InputError, match="not finite"):
        segment_maxsim(torch.full((1, 6), torch.nan), vectors=tokens.vectors, segments=segments)
    with pytest.raises(UnknownNameError, match="token_max"):
        aggregate(torch.zeros(1, 1, 1), similarity="mean")  # type: ignore[arg-type]


def test_a_vector_that_is_not_a_number_is_named_by_its_row():
    tokens = make_tokens(4, num_candidates=3, num_tokens=30)
    broken = tokens.vectors.clone()
    position = int(((tokens.modality_ids > 0) & (tokens.first_candidates == 1)).nonzero()[0])
    broken[position] = torch.nan
    with pytest.raises(InputError, match="row 1"):
        segment_maxsim(torch.ones(1, 6), vectors=broken, segments=candidate_segments(tokens))


def test_token_embeddings_fails_on_unequal_fields():
    with pytest.raises(InputError, match="equal length"):
        TokenEmbeddings(torch.zeros(2, 3), torch.zeros(1), torch.zeros(2), torch.zeros(2), 1, ("video",))
    with pytest.raises(InputError, match="no token embeddings"):
        concatenate([])
