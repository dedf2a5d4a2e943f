"""Token pooling: what is kept, what a mean stands for, and what is left alone."""

from __future__ import annotations

import pytest
import torch

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.scoring.pooling import pool_tokens
from clamr_select.scoring.tokens import NO_CANDIDATE, TokenEmbeddings

MODALITIES = ("video", "ocr", "asr")


def a_video(*, num_candidates: int = 5, per_frame: int = 12, dim: int = 16) -> TokenEmbeddings:
    """Documents of one candidate: a prompt token, ``per_frame`` video tokens, two of ASR; metadata at the end."""
    generator = torch.Generator().manual_seed(3)
    ids, first = [], []
    for candidate in range(num_candidates):
        ids += [0] + [1] * per_frame + [3, 3, 2]
        first += [NO_CANDIDATE] + [candidate] * (per_frame + 2) + [NO_CANDIDATE]
    vectors = torch.nn.functional.normalize(torch.randn(len(ids), dim, generator=generator), dim=1)
    times = torch.tensor(first)
    return TokenEmbeddings(vectors, torch.tensor(ids), times, times.clone(), num_candidates, MODALITIES)


def frame(tokens: TokenEmbeddings, candidate: int) -> torch.Tensor:
    return tokens.vectors[(tokens.modality_ids == 1) & (tokens.first_candidates == candidate)]


@pytest.mark.parametrize(("factor", "most"), [(1, 12), (2, 6), (5, 3), (12, 1), (40, 1)])
def test_a_frame_has_at_most_its_share(factor, most):
    given = a_video()
    found = pool_tokens(given, factor=factor)
    for candidate in range(given.num_candidates):
        assert 1 <= len(frame(found, candidate)) <= most
    assert torch.allclose(found.vectors.norm(dim=1), torch.ones(len(found)), atol=1e-5)


def test_all_else_is_untouched_and_in_its_order():
    given = a_video()
    found = pool_tokens(given, factor=4)
    for ids, times in (("modality_ids", "first_candidates"), ("modality_ids", "last_candidates")):
        others = getattr(given, ids) != 1
        kept = getattr(found, ids) != 1
        assert torch.equal(given.vectors[others], found.vectors[kept])
        assert torch.equal(getattr(given, times)[others], getattr(found, times)[kept])
    assert torch.equal(
        found.first_candidates[found.first_candidates >= 0].sort().values,
        found.first_candidates[found.first_candidates >= 0],
    )


def test_tokens_that_are_alike_become_their_mean():
    """Three directions, each four times with a little noise: one token a direction remains."""
    generator = torch.Generator().manual_seed(5)
    directions = torch.eye(3, 16).repeat(4, 1)
    noisy = torch.nn.functional.normalize(directions + 0.05 * torch.randn(12, 16, generator=generator), dim=1)
    times = torch.zeros(12, dtype=torch.long)
    given = TokenEmbeddings(noisy, torch.ones(12, dtype=torch.long), times, times, 1, MODALITIES)
    found = pool_tokens(given, factor=4)
    expected = [torch.nn.functional.normalize(noisy[start::3].sum(0), dim=0) for start in range(3)]
    assert torch.allclose(found.vectors, torch.stack(expected), atol=1e-6)


def test_frames_do_not_touch_each_other():
    whole = pool_tokens(a_video(num_candidates=700), factor=3)
    generator_same = a_video(num_candidates=700)
    alone = generator_same.modality_ids == 1
    alone &= generator_same.first_candidates == 650
    one = TokenEmbeddings(
        generator_same.vectors[alone],
        generator_same.modality_ids[alone],
        torch.zeros(12, dtype=torch.long),
        torch.zeros(12, dtype=torch.long),
        1,
        MODALITIES,
    )
    assert torch.allclose(frame(whole, 650), pool_tokens(one, factor=3).vectors, atol=1e-6)


def test_equal_tokens_are_one():
    times = torch.zeros(6, dtype=torch.long)
    vectors = torch.eye(1, 8).repeat(6, 1)
    given = TokenEmbeddings(vectors, torch.ones(6, dtype=torch.long), times, times, 1, MODALITIES)
    assert torch.equal(pool_tokens(given, factor=2).vectors, torch.eye(1, 8))


def test_what_cannot_be_pooled():
    with pytest.raises(InputError, match="at least 1, got 0"):
        pool_tokens(a_video(), factor=0)
    with pytest.raises(UnknownNameError, match="asr, ocr, video"):
        pool_tokens(a_video(), factor=2, modality="smell")
