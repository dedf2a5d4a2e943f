"""The whole way of compat='reference', pixels and text in, against the released code's similarity matrices
(tests/golden/README.md): 50 random documents, most without some of the texts, 8 questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoTokenizer

from clamr_select.model import ClamrConfig, ClamrForRetrieval, ClamrProcessor
from clamr_select.model.checkpoint.keys import canonical_key
from clamr_select.model.checkpoint.lora import merged
from clamr_select.model.checkpoint.projection import drawn_weight
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder

GOLDEN = Path(__file__).parents[1] / "golden"
BLOCK = 14
"""Pixels a side of one stored colour."""


@pytest.fixture(scope="module")
def released() -> dict[str, torch.Tensor]:
    return load_file(GOLDEN / "scores" / "documents.safetensors")


@pytest.fixture(scope="module")
def inputs(released) -> tuple[list[str], list[Document]]:
    stored = json.loads((GOLDEN / "scores" / "documents.json").read_text(encoding="utf-8"))
    documents = []
    for position, texts in enumerate(stored["documents"]):
        blocks = released[f"blocks.{position}"].numpy()
        frames = list(blocks.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2))
        frames += frames[-1:] * (len(frames) % 2)
        segments = tuple(TextSegment(modality, text) for modality, text in texts.items())
        documents.append(Document(frames=frames[::2], neighbors=frames[1::2], texts=segments))
    return stored["queries"], documents


@pytest.fixture(scope="module")
def model() -> ClamrForRetrieval:
    """Put together tensor by tensor, so that this test holds the scoring alone to account, not a loader."""
    folder = GOLDEN / "vl_4_51"
    config = AutoConfig.from_pretrained(folder / "base")
    model = ClamrForRetrieval(ClamrConfig(vlm_config=config.to_dict())).float()
    base = {canonical_key(key): tensor.float() for key, tensor in load_file(folder / "base/model.safetensors").items()}
    base["embedding_proj_layer.weight"] = drawn_weight(config.get_text_config().hidden_size)
    base["embedding_proj_layer.bias"] = torch.zeros(128)
    adapter = load_file(folder / "adapter" / "adapter_model.safetensors")
    for key in [key for key in adapter if key.endswith("lora_A.weight")]:
        name = canonical_key(key.replace("lora_A.", ""))
        lora_b = adapter[key.replace("lora_A", "lora_B")]
        base[name] = merged(base[name], lora_a=adapter[key], lora_b=lora_b, scaling=8 / 4)
    model.load_state_dict({key: tensor for key, tensor in base.items() if key is not None})
    return model.eval()


def encoder(model: ClamrForRetrieval, *, compat: str) -> ClamrEncoder:
    tokenizer = AutoTokenizer.from_pretrained(GOLDEN / "vl_4_51" / "adapter")
    processor = ClamrProcessor(tokenizer, time_interval=2.0, min_pixels=56 * 56)
    return ClamrEncoder(model, processor=processor, compat=compat)


def scores(model, inputs, *, compat: str, similarity: str) -> torch.Tensor:
    queries, documents = inputs
    made = encoder(model, compat=compat)
    return made.similarity(made.encode_query(queries)[0], made.encode_document(documents)[0], similarity=similarity)


@pytest.mark.parametrize("similarity", ["token_max", "modality_max"])
def test_similarity_matrices_are_those_of_the_released_code(model, inputs, released, similarity):
    found = scores(model, inputs, compat="reference", similarity=similarity)

    # sums of some forty cosines, whose last place is worth 4e-6
    torch.testing.assert_close(found, released[f"scores.{similarity}"], atol=2e-5, rtol=0)


@pytest.mark.parametrize(("similarity", "expected"), [("token_max", 0.048), ("modality_max", 0.032)])
def test_how_often_corrected_scores_rank_otherwise(model, inputs, released, similarity, expected):
    """The share of document pairs in another order, as docs/compatibility.md gives it."""
    found = scores(model, inputs, compat="corrected", similarity=similarity)
    swapped = torch.sign(differences(found)) != torch.sign(differences(released[f"scores.{similarity}"]))

    assert swapped.float().mean().item() == pytest.approx(expected, abs=0.005)


def differences(matrix: torch.Tensor) -> torch.Tensor:
    """(num_queries, num_pairs) of two documents' scores."""
    first, second = torch.triu_indices(matrix.shape[1], matrix.shape[1], offset=1)
    return matrix[:, first] - matrix[:, second]
