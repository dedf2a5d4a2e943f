"""Frames and words in: token ids, positions, pixels and vectors are what the released code made of them."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from clamr_select.errors import MissingDependencyError
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.embedding import embed

from .conftest import GOLDEN, load_golden

QUERY = "when does the bridge open?"
OCR = TextSegment("ocr", "HARBOR 12:30\nglacier tours", 0, 1)
ASR = TextSegment("asr", "a walrus plays the cello in the band room, naïvely", 0, 1)
DESCRIPTION = TextSegment("description", "the lantern over the harbor")


@pytest.fixture(scope="module", params=["vl_4_51", "vl_4_52", "omni_4_52"])
def fixture(request):
    try:
        encoder = load_golden(request.param)
    except MissingDependencyError as error:  # this transformers is too old for it, and the error says so
        pytest.skip(str(error))
    encoder.processor.enlarge_to_pixels = None  # lowered when the fixture was made
    return encoder, load_file(GOLDEN / request.param / "expected.safetensors"), request.param


@torch.inference_mode()
def test_a_query(fixture):
    encoder, released, name = fixture
    if "query.input_ids" not in released:  # vl_4_52 has the inputs of vl_4_51
        released = load_file(GOLDEN / "vl_4_51" / "expected.safetensors") | released
    batch, _ = encoder.processor.process_queries([QUERY])
    assert torch.equal(batch["input_ids"][0], released["query.input_ids"])
    assert torch.equal(batch["position_ids"][:, 0], released["query.position_ids"])
    assert torch.allclose(embed(encoder.model, batch)[0], released["query.embeddings"], atol=1e-5), name


@torch.inference_mode()
def test_a_document_of_frames_and_words(fixture):
    encoder, released, _ = fixture
    # the released reader fuses consecutive frames: two candidates, each with the frame after it
    frames = released["frames"].numpy()
    document = Document(frames[::2], (OCR, ASR, DESCRIPTION), neighbors=frames[1::2])
    batch, truncations = encoder.processor.process_documents([document])
    assert not truncations
    assert torch.equal(batch["input_ids"][0], released["document.input_ids"])
    assert torch.equal(batch["position_ids"][:, 0], released["document.position_ids"])
    assert torch.equal(batch["video_grid_thw"], released["document.video_grid_thw"])
    if "document.pixel_values_videos" in released:
        assert torch.allclose(batch["pixel_values_videos"], released["document.pixel_values_videos"], atol=1e-5)
    assert torch.allclose(embed(encoder.model, batch)[0], released["document.embeddings"], atol=1e-5)
