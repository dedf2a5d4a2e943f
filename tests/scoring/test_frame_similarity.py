"""How alike frames are, against a naive loop over tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clamr_select.scoring.frame_similarity import LateInteractionSimilarity, pooled_frames
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings

from .test_maxsim import make_tokens


def tokens_of(tokens: TokenEmbeddings, candidate: int) -> torch.Tensor:
    stands = [
        bool(tokens.modality_ids[i] > 0)
        and int(tokens.first_candidates[i]) != NO_CANDIDATE
        and int(tokens.first_candidates[i]) <= candidate <= int(tokens.last_candidates[i])
        for i in range(len(tokens))
    ]
    return tokens.vectors[torch.tensor(stands)]


@pytest.mark.parametrize("seed", range(4))
def test_both_equal_a_naive_loop(seed):
    tokens = make_tokens(seed, num_candidates=7, num_tokens=60)
    pooled, late = pooled_frames(tokens), LateInteractionSimilarity(tokens)
    assert len(late) == 7
    sets = [tokens_of(tokens, candidate) for candidate in range(7)]
    for i, mine in enumerate(sets):
        if len(mine):
            mean = mine.mean(dim=0)
            torch.testing.assert_close(pooled[i], mean / mean.norm())
        row = late.to(i)
        for j, theirs in enumerate(sets):
            expected = 0.0
            if len(mine) and len(theirs):
                products = mine @ theirs.T
                expected = float(products.amax(dim=1).mean() + products.amax(dim=0).mean()) / 2
            assert row[j] == pytest.approx(expected, abs=1e-5)


def test_a_frame_is_one_with_itself_and_similarity_is_symmetric():
    late = LateInteractionSimilarity(make_tokens(1, num_candidates=5, num_tokens=80))
    table = np.stack([late.to(i) for i in range(5)])
    np.testing.assert_allclose(np.diag(table), 1.0, atol=1e-5)
    np.testing.assert_allclose(table, table.T, atol=1e-5)


def test_a_candidate_without_tokens_gets_the_mean_of_all_and_resembles_none():
    tokens = TokenEmbeddings(
        vectors=torch.eye(3),
        modality_ids=torch.tensor([1, 2, 0]),
        first_candidates=torch.tensor([0, 0, 1]),
        last_candidates=torch.tensor([0, 0, 1]),
        num_candidates=2,
        modalities=("video", "asr"),
    )
    torch.testing.assert_close(pooled_frames(tokens)[1], torch.tensor([0.5, 0.5, 0.0]).sqrt())
    assert LateInteractionSimilarity(tokens).to(0).tolist() == [1.0, 0.0]
    assert LateInteractionSimilarity(tokens).to(1).tolist() == [0.0, 0.0]
