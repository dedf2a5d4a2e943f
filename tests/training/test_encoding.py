"""Pixels travel as bytes and are normalised where the model is: the same numbers, a quarter of the size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.encoding import encode_documents, encode_queries
from clamr_select.training.prepared import NUM_GROUPS, prepare

from .rows import keyed_batch


def test_a_prepared_batch_gives_the_encoders_vectors(batch, processor, make_retriever):
    model = make_retriever().eval()
    prepared = prepare(batch, processor=processor, documents_per_group=3)
    assert prepared.groups[0].inputs["pixel_values_videos"].dtype == torch.uint8
    with torch.no_grad():
        trained = encode_documents(model, prepared)
    embedded, _ = ClamrEncoder(model, processor=processor).encode_document(batch.documents)
    torch.testing.assert_close(trained.tokens.vectors, torch.cat([d.vectors for d in embedded]), atol=1e-5, rtol=0)


def test_bytes_are_the_very_pixels(processor):
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, (50, 90, 3), dtype=np.uint8) for _ in range(2)]
    numbers, raw = (
        processor.process_documents([Document(frames)], normalize=normalize)[0]["pixel_values_videos"]
        for normalize in (True, False)
    )
    mean, std = (
        torch.tensor(values).repeat_interleave(2 * 14 * 14) for values in (processor.image_mean, processor.image_std)
    )
    torch.testing.assert_close((raw / 255 - mean) / std, numbers, atol=1e-5, rtol=0)


@pytest.mark.parametrize("num_documents", [2, 3, 5, 7])
def test_sharded_models_make_equally_many_passes(processor, make_retriever, num_documents):
    model = make_retriever().eval()
    rows = keyed_batch(list(range(num_documents)))
    plain, sharded = (prepare(rows, processor=processor, sharded=sharded) for sharded in (False, True))
    assert len(sharded.groups) == NUM_GROUPS
    assert sorted(place for group in plain.groups for place in group.positions) == list(range(num_documents))
    one, other = (encode_documents(model, batch) for batch in (plain, sharded))
    torch.testing.assert_close(other.tokens.vectors, one.tokens.vectors, atol=1e-5, rtol=0)
    assert torch.equal(other.document_of_token, one.document_of_token)
    other.tokens.vectors.sum().backward()  # what came to nothing has no gradient, and is gone through
    gradient = model.embedding_proj_layer.bias.grad.clone()
    model.zero_grad()
    one.tokens.vectors.sum().backward()
    torch.testing.assert_close(gradient, model.embedding_proj_layer.bias.grad, atol=1e-4, rtol=1e-4)


def test_sharded_models_need_frames_in_every_pass(processor):
    rows = keyed_batch(list(range(6)))
    spoken = Document((), (TextSegment("asr", "a harbor"),))
    bare = replace(rows, documents=(spoken,) * 3 + rows.documents[3:])
    prepare(bare, processor=processor)
    with pytest.raises(InputError, match="need frames in every forward pass"):
        prepare(bare, processor=processor, sharded=True)
    with pytest.raises(InputError, match="None with sharded"):
        prepare(rows, processor=processor, sharded=True, documents_per_group=2)


@pytest.mark.parametrize("num_queries", [1, 2, None])
def test_questions_are_encoded_by_length_and_come_back_in_order(batch, processor, make_retriever, num_queries):
    """With fewer questions than passes too: what is encoded again to fill a pass counts once."""
    model = make_retriever().eval()
    some = replace(batch, queries=batch.queries[:num_queries])
    prepared = prepare(some, processor=processor, documents_per_group=1)
    assert len(prepared.groups) > 2
    asked = encode_queries(model, prepared)
    with torch.no_grad():
        expected, _ = ClamrEncoder(model, processor=processor).encode_query([query.text for query in some.queries])
    assert asked.query_of_token.tolist() == [i for i, query in enumerate(expected) for _ in range(len(query))]
    torch.testing.assert_close(asked.vectors.detach(), torch.cat(list(expected)), atol=1e-5, rtol=0)
    asked.vectors.sum().backward()
    gradient = model.embedding_proj_layer.bias.grad.clone()
    model.zero_grad()
    encode_queries(model, replace(prepared, groups=prepared.groups[:1])).vectors.sum().backward()
    torch.testing.assert_close(gradient, model.embedding_proj_layer.bias.grad, atol=1e-4, rtol=1e-4)
