"""Every engine against float32 on the CPU."""

from __future__ import annotations

import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.scoring import cuda, groups, workers
from clamr_select.scoring.cuda import plain_maxima, true_float32
from clamr_select.scoring.groups import GROUP_SIZE, group_blocks
from clamr_select.scoring.maxsim import segment_maxsim
from clamr_select.scoring.pieces import cut_segments
from clamr_select.scoring.scorer import SegmentScorer, choose_engine
from clamr_select.scoring.segments import Segments
from clamr_select.scoring.stored_vectors import store_vectors

TOLERANCE = {torch.float32: 2e-6, torch.float16: 2e-6, torch.bfloat16: 4e-5}
"""Of dot products with unit vectors, of which the query's halves keep 16 bits at least."""
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def a_video(seed: int, *, num_tokens: int, shared: bool, dim: int = 24) -> tuple[torch.Tensor, Segments]:
    """Vectors and the segments of 7 candidates with 3 modalities, some empty; ``shared`` tokens stand in two rows."""
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.nn.functional.normalize(torch.randn(num_tokens, dim, generator=generator), dim=1)
    lengths = torch.randint(0, 4, (21,), generator=generator) * torch.randint(0, 9, (21,), generator=generator)
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
    if shared:
        indices = torch.randint(0, num_tokens, (int(offsets[-1]),), generator=generator)
    else:
        offsets = (offsets * num_tokens) // max(1, int(offsets[-1]))
        offsets[-1] = num_tokens
        indices = torch.arange(num_tokens)
    return vectors, Segments(indices, offsets, num_rows=7, num_modalities=3)


def a_query(seed: int, num_query_tokens: int, *, dim: int = 24) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1000 + seed)
    return torch.nn.functional.normalize(torch.randn(num_query_tokens, dim, generator=generator), dim=1)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    num_tokens=st.integers(1, 200),
    num_query_tokens=st.integers(1, 40),
    shared=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    max_entries=st.sampled_from([1, 5, 512]),
    block_elements=st.sampled_from([1, 100, 1 << 27]),
)
def test_plain_maxima_are_those_of_the_cpu(
    seed, num_tokens, num_query_tokens, shared, dtype, max_entries, block_elements
):
    vectors, segments = a_video(seed, num_tokens=num_tokens, shared=shared)
    vectors, query = vectors.to(dtype), a_query(seed, num_query_tokens)
    pieces = cut_segments(segments, num_tokens=num_tokens, max_entries=max_entries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda, "BLOCK_ELEMENTS", block_elements)
        got = pieces.join(plain_maxima(query, vectors=vectors, pieces=pieces))
    exact = segment_maxsim(query, vectors=vectors, segments=segments).flatten(0, 1)
    torch.testing.assert_close(got, exact, atol=TOLERANCE[dtype], rtol=0)


def test_pieces_of_a_long_segment_cover_it():
    segments = Segments(torch.arange(25), torch.tensor([0, 0, 23, 25]), num_rows=1, num_modalities=3)

    pieces = cut_segments(segments, num_tokens=25, max_entries=10)

    assert pieces.offsets.tolist() == [0, 0, 10, 20, 23, 25]
    assert pieces.segment_offsets.tolist() == [0, 1, 4, 5]
    assert pieces.token_indices is None
    assert cut_segments(segments, num_tokens=25).segment_offsets is None
    assert cut_segments(segments, num_tokens=26).token_indices is not None  # one token stands nowhere


def test_true_float32_puts_the_setting_back():
    before = torch.backends.cuda.matmul.fp32_precision
    with pytest.raises(AssertionError, match="tf32"), true_float32():
        assert torch.backends.cuda.matmul.fp32_precision == "tf32", "not tf32"
    assert torch.backends.cuda.matmul.fp32_precision == before


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    num_tokens=st.integers(1, 200),
    num_query_tokens=st.integers(1, 40),
    shared=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    block_groups=st.sampled_from([1, 3, 1024]),
)
def test_a_scorer_on_the_cpu_scores_as_the_function(seed, num_tokens, num_query_tokens, shared, dtype, block_groups):
    vectors, segments = a_video(seed, num_tokens=num_tokens, shared=shared)
    vectors, query = vectors.to(dtype), a_query(seed, num_query_tokens)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "BLOCK_GROUPS", block_groups)
        scorer = SegmentScorer(vectors, segments=segments)
    exact = segment_maxsim(query, vectors=vectors, segments=segments)
    torch.testing.assert_close(scorer.maxima(query), exact, atol=2e-6, rtol=0)


def test_groups_hold_the_tokens_of_one_segment_each():
    segments = Segments(torch.tensor([5, 6, 7, 9]), torch.tensor([0, 1, 1, 4]), num_rows=3, num_modalities=1)

    (block,) = group_blocks(segments)

    tokens = (block.positions + block.low).view(-1, GROUP_SIZE)
    assert [sorted(set(group)) for group in tokens.tolist()] == [[5], [6, 7, 9]]
    assert block.segments.tolist() == [0, 2]
    assert block.is_dense
    assert group_blocks(Segments(torch.tensor([], dtype=torch.long), torch.tensor([0, 0]), 1, 1)) == []


def test_tokens_far_apart_are_fetched_rather_than_scored_with_all_between():
    vectors = torch.nn.functional.normalize(torch.randn(5000, 8, generator=torch.Generator().manual_seed(1)), dim=1)
    segments = Segments(torch.tensor([0, 4999]), torch.tensor([0, 2]), num_rows=1, num_modalities=1)
    assert not group_blocks(segments)[0].is_dense
    query = a_query(1, 3, dim=8)
    exact = segment_maxsim(query, vectors=vectors, segments=segments)
    for storage in ("as_given", "bfloat16", "int8"):
        got = SegmentScorer(vectors, segments=segments, storage=storage).maxima(query)
        torch.testing.assert_close(got, exact, atol=2e-2, rtol=0)


@pytest.mark.parametrize(("storage", "tolerance"), [("bfloat16", 8e-3), ("int8", 1.2e-2)])
def test_smaller_storage_rounds_scores_a_little(storage, tolerance):
    vectors, segments = a_video(3, num_tokens=900, shared=False, dim=128)
    query = a_query(3, 32, dim=128)
    exact = segment_maxsim(query, vectors=vectors, segments=segments)

    scorer = SegmentScorer(vectors, segments=segments, storage=storage)

    assert scorer.description == {"engine": "blocked", "device": "cpu", "storage": storage}
    torch.testing.assert_close(scorer.maxima(query), exact, atol=tolerance, rtol=0)


def test_eight_bit_codes_give_vectors_back():
    vectors = torch.tensor([[0.5, -1.0, 0.25], [0.0, 0.0, 0.0]])

    stored = store_vectors(vectors, storage="int8")

    assert stored.codes.tolist() == [[64, -127, 32], [0, 0, 0]]
    torch.testing.assert_close(stored.codes * stored.scales, vectors, atol=1 / 254, rtol=0)
    with pytest.raises(InputError, match="token 1 "):
        store_vectors(torch.tensor([[1.0], [torch.inf]]), storage="int8")
    with pytest.raises(UnknownNameError, match="bfloat16"):
        store_vectors(vectors, storage="int4")  # type: ignore[arg-type]


def test_threads_change_no_score_and_no_setting(monkeypatch):
    vectors, segments = a_video(3, num_tokens=2000, shared=True)
    query = a_query(3, 5)
    monkeypatch.setattr(groups, "BLOCK_GROUPS", 1)
    monkeypatch.setattr(workers, "_pools", {})
    scorer = SegmentScorer(vectors, segments=segments)
    assert len(scorer.blocks) >= 2 * workers.MIN_BLOCKS
    alone = scorer.maxima(query)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert torch.equal(scorer.maxima(query), alone)
        elsewhere = []
        thread = threading.Thread(target=lambda: elsewhere.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), elsewhere) == (2, [2])
        assert list(workers._pools) == [2]
    finally:
        torch.set_num_threads(before)


def test_a_vector_that_is_not_a_number_is_named_by_its_row():
    vectors, _ = a_video(7, num_tokens=12, shared=False)
    segments = Segments(torch.arange(12), torch.tensor([0, 6, 12]), num_rows=2, num_modalities=1)
    vectors[8] = torch.nan
    for storage in ("as_given", "bfloat16"):
        scorer = SegmentScorer(vectors, segments=segments, storage=storage)
        with pytest.raises(InputError, match="row 1"):
            scorer.maxima(a_query(7, 3))


def test_a_scorer_refuses_what_cannot_run():
    vectors, segments = a_video(3, num_tokens=90, shared=True)
    with pytest.raises(UnknownNameError, match="blocked, plain"):
        SegmentScorer(vectors, segments=segments, engine="cublas")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'blocked' is for the CPU"):
        SegmentScorer(vectors, segments=segments, engine="plain")
    with pytest.raises(InputError, match="no token"):
        SegmentScorer(vectors, segments=segments).maxima(torch.zeros(0, 24))
    with pytest.raises(InputError, match="one dim"):
        SegmentScorer(vectors, segments=segments).maxima(torch.zeros(2, 23))
    assert choose_engine(torch.device("cuda")) == "plain"


@needs_cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shared", [False, True])
def test_scores_on_a_gpu_are_those_of_the_cpu(dtype, shared):
    vectors, segments = a_video(7, num_tokens=3000, shared=shared, dim=128)
    vectors, query = vectors.to(dtype), a_query(7, 37, dim=128)
    exact = segment_maxsim(query, vectors=vectors, segments=segments)

    scorer = SegmentScorer(vectors, segments=segments, device="cuda")

    torch.testing.assert_close(scorer.maxima(query), exact, atol=TOLERANCE[dtype], rtol=0)


@needs_cuda
def test_a_vector_that_is_not_a_number_is_named_on_a_gpu():
    vectors, _ = a_video(7, num_tokens=12, shared=False)
    segments = Segments(torch.arange(12), torch.tensor([0, 6, 12]), num_rows=2, num_modalities=1)
    vectors[8] = torch.nan
    scorer = SegmentScorer(vectors, segments=segments, device="cuda")
    with pytest.raises(InputError, match="row 1"):
        scorer.maxima(a_query(7, 3))


@needs_cuda
def test_tf32_set_by_the_process_does_not_reach_the_scores():
    vectors, segments = a_video(7, num_tokens=3000, shared=False, dim=128)
    query = a_query(7, 37, dim=128)
    exact = segment_maxsim(query, vectors=vectors, segments=segments)
    before = torch.backends.cuda.matmul.fp32_precision
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    try:
        got = SegmentScorer(vectors, segments=segments, device="cuda", engine="plain").maxima(query)
    finally:
        torch.backends.cuda.matmul.fp32_precision = before
    torch.testing.assert_close(got, exact, atol=2e-6, rtol=0)
