"""Which documents share a batch, and that the order they came in is the order they come back in."""

from __future__ import annotations

import threading

import pytest
import torch

from clamr_select.model import vision_attention
from clamr_select.model.batching import like_lengths, one_ahead
from clamr_select.model.document import Document, TextSegment


def test_batches_hold_like_lengths_within_their_tokens():
    lengths = [90, 10, 50, 12, 48, 11, 300]

    batches = list(like_lengths(lengths, batch_tokens=100))

    assert sorted(position for batch in batches for position in batch) == list(range(7))
    assert all(max(lengths[p] for p in batch) * len(batch) <= 100 for batch in batches if len(batch) > 1)
    assert batches == [[1, 5, 3], [4, 2], [0], [6]]
    assert list(like_lengths([], batch_tokens=100)) == []


def test_one_ahead_gives_the_same_items_made_elsewhere():
    threads = []

    def items():
        for item in range(3):
            threads.append(threading.current_thread())
            yield item

    assert list(one_ahead(items())) == [0, 1, 2]
    assert threading.main_thread() not in threads


def test_one_ahead_hands_on_what_went_wrong():
    def items():
        yield 1
        raise ValueError("the second document")

    with pytest.raises(ValueError, match="the second document"):
        list(one_ahead(items()))


def test_documents_come_back_in_their_order_with_their_own_vectors(encoder, documents):
    apart = [encoder.encode_document([document])[0][0] for document in documents]

    together, _ = encoder.encode_document(documents, batch_tokens=600)

    for mine, alone in zip(together, apart, strict=True):
        assert mine.num_candidates == alone.num_candidates
        assert torch.equal(mine.modality_ids, alone.modality_ids)
        torch.testing.assert_close(mine.vectors, alone.vectors, atol=1e-5, rtol=0)


def test_truncations_name_their_documents_in_order(encoder):
    short, long = TextSegment("description", "a film"), TextSegment("description", "the harbor lantern " * 300)
    documents = [Document(frames=(), texts=(text,)) for text in (long, short, long)]

    _, truncations = encoder.encode_document(documents)

    assert [truncation.item for truncation in truncations] == [0, 2]


def test_windows_of_one_length_are_a_view_and_others_are_gathered():
    even = vision_attention._grouped(torch.tensor([0, 4, 8]))
    ragged = vision_attention._grouped(torch.tensor([0, 4, 6, 10]))

    assert (even.length, even.members) == (4, None)
    assert [group.tolist() for group in ragged.members] == [[[4, 5]], [[0, 1, 2, 3], [6, 7, 8, 9]]]
    together = torch.cat([group.flatten() for group in ragged.members])
    assert together[ragged.order].tolist() == list(range(10))


def test_windows_are_looked_up_once_for_a_tensor_and_anew_for_the_next():
    seqlens = torch.tensor([0, 4, 8])
    assert vision_attention._windows(seqlens) is vision_attention._windows(seqlens)
    other = torch.tensor([0, 2, 8])
    assert vision_attention._windows(other).members is not None
