"""In bfloat16 on a CPU, attention is computed in float32, and what comes out is what it was."""

from __future__ import annotations

import pytest
import torch

from clamr_select.model.document import Document
from clamr_select.model.embedding import embed
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.cpu_attention import NAME, attend_in_float32


@pytest.fixture
def encoder() -> ClamrEncoder:
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu", dtype="float32")


def test_every_attention_is_float32_under_autocast(encoder: ClamrEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, _ = encoder.processor.process_queries(["a red circle", "what is said about boats on the river?"])
    frames = [torch.randint(0, 255, (112, 224, 3), dtype=torch.uint8).numpy() for _ in range(2)]
    documents, _ = encoder.processor.process_documents([Document(frames=frames)])
    plain = [embed(encoder.model, inputs) for inputs in (queries, documents)]
    seen = []
    product = torch.nn.functional.scaled_dot_product_attention

    def watched(query: torch.Tensor, *rest: torch.Tensor, **options: object) -> torch.Tensor:
        seen.append(query.dtype)
        return product(query, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    attend_in_float32(encoder.model)
    same = [embed(encoder.model, inputs) for inputs in (queries, documents)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        near = [embed(encoder.model, inputs) for inputs in (queries, documents)]
    assert set(seen) == {torch.float32}
    assert len(seen) == 2 * (4 + 4 + 3)  # twice: questions through 4 layers of text, documents also through 3 of vision
    for expected, exact, rounded in zip(plain, same, near, strict=True):
        torch.testing.assert_close(exact, expected, atol=1e-5, rtol=1e-5)
        assert torch.nn.functional.cosine_similarity(rounded.float(), expected, dim=-1).min() > 0.98


def test_name_is_on_every_part(encoder: ClamrEncoder) -> None:
    attend_in_float32(encoder.model)
    vlm = encoder.model.vlm
    assert {part.config._attn_implementation for part in (vlm, vlm.visual, vlm.language_model)} == {NAME}
