"""Pixels travel as bytes and are normalised where the model is: the same numbers, a quarter of the size."""

from __future__ import annotations

import numpy as np
import torch

from clamr_select.model.document import Document
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.encoding import encode_documents
from clamr_select.training.prepared import prepare


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
