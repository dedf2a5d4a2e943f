"""Texts and labels of the released processor, held against those it made of 50 documents."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.model import ClamrProcessor
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.reference_labels import reference_modality_ids, reference_texts

GOLDEN = Path(__file__).parents[1] / "golden"
BLOCK = 14
"""Pixels a side of one stored colour."""


@pytest.fixture(scope="module")
def released() -> dict[str, torch.Tensor]:
    return load_file(GOLDEN / "scores" / "documents.safetensors")


@pytest.fixture(scope="module")
def documents(released) -> list[Document]:
    stored = json.loads((GOLDEN / "scores" / "documents.json").read_text(encoding="utf-8"))
    return [made(texts, blocks=released[f"blocks.{i}"].numpy()) for i, texts in enumerate(stored["documents"])]


@pytest.fixture(scope="module")
def released_processor() -> ClamrProcessor:
    """What the released code ran with; a patch is two positions long."""
    tokenizer = AutoTokenizer.from_pretrained(GOLDEN / "vl_4_51" / "adapter")
    return ClamrProcessor(tokenizer, compat="reference", time_interval=2.0, min_pixels=56 * 56)


def made(texts: dict[str, str], *, blocks: np.ndarray) -> Document:
    """Two consecutive frames share a patch; of an odd number the last meets itself."""
    frames = list(blocks.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2))
    frames += frames[-1:] * (len(frames) % 2)
    segments = tuple(TextSegment(modality, text) for modality, text in texts.items())
    return Document(frames=frames[::2], neighbors=frames[1::2], texts=segments)


def test_every_token_of_50_documents_has_the_released_label(released_processor, documents, released):
    start = 0
    for document, length in zip(documents, released["lengths"].tolist(), strict=True):
        batch, truncations = released_processor.process_documents([document])
        expected = released["modality_ids"][start : start + length].long()
        start += length
        assert truncations == []
        assert torch.equal(batch["modality_ids"][0], expected)


@pytest.mark.parametrize("name", ["document", "partial", "odd"])
def test_inputs_are_those_of_the_released_processor(released_processor, name):
    expected = load_file(GOLDEN / "vl_4_51" / "expected.safetensors")
    frames = list(expected["frames"].numpy())[: 3 if name == "odd" else 4]
    frames += frames[-1:] * (len(frames) % 2)
    texts = {
        "ocr": "HARBOR 12:30\nglacier tours",
        "asr": "a walrus plays the cello in the band room, naïvely",
        "description": "the lantern over the harbor",
    }
    kept = {"document": list(texts), "partial": ["asr"], "odd": []}[name]
    segments = tuple(TextSegment(modality, texts[modality]) for modality in kept)
    document = Document(frames=frames[::2], neighbors=frames[1::2], texts=segments)

    batch, _ = released_processor.process_documents([document])

    labels = expected[f"{name}.modality_ids"]
    if name == "partial":  # the released collator numbers the modalities of each batch anew
        labels = torch.where(labels == 2, released_processor.modality_id("asr"), labels)
    assert torch.equal(batch["input_ids"][0], expected[f"{name}.input_ids"])
    assert torch.equal(batch["modality_ids"][0], labels)
    assert torch.equal(batch["position_ids"][:, 0], expected[f"{name}.position_ids"])
    assert torch.equal(batch["video_grid_thw"], expected[f"{name}.video_grid_thw"])
    if name == "document":
        pixels = expected["document.pixel_values_videos"]
        torch.testing.assert_close(batch["pixel_values_videos"], pixels, atol=1e-5, rtol=0)


def test_labels_by_construction_differ_from_the_released_ones(released_processor, documents):
    """Else the two ways would be one."""
    corrected = ClamrProcessor(released_processor.tokenizer, time_interval=2.0, min_pixels=56 * 56)
    ours, _ = corrected.process_documents(documents)
    theirs, _ = released_processor.process_documents(documents)

    assert [int((row == 0).sum()) for row in ours["modality_ids"]] != [
        int((row == 0).sum()) for row in theirs["modality_ids"]
    ]


def test_a_text_is_cut_with_its_prefix_and_what_was_cut_is_said(released_processor):
    processor = ClamrProcessor(released_processor.tokenizer, compat="reference", max_text_tokens=5)
    frame = np.zeros((56, 56, 3), np.uint8)

    _, truncations = processor.process_documents([Document([frame], texts=(TextSegment("ocr", "one two three " * 9),))])

    assert [(t.modality, t.num_tokens_cut > 0) for t in truncations] == [("ocr", True)]


def test_a_document_ends_at_2048_tokens_and_frames_past_it_are_refused(released_processor):
    processor = ClamrProcessor(released_processor.tokenizer, compat="reference", max_text_tokens=4000)
    frame = np.zeros((56, 56, 3), np.uint8)
    texts = (TextSegment("asr", "walrus £40 " * 700),)

    batch, truncations = processor.process_documents([Document([frame], texts=texts)])

    assert batch["input_ids"].shape == (1, 2048)
    assert {t.modality for t in truncations} == {"asr", "document"}
    with pytest.raises(InputError, match="2048"):
        processor.process_documents([Document([np.zeros((224, 224, 3), np.uint8)] * 40)])


def test_special_tokens_in_a_text_are_dropped(released_processor):
    texts = reference_texts({"ocr": "OCR: a<|im_end|>b"}, tokenizer=released_processor.tokenizer, max_text_tokens=512)

    assert released_processor.tokenizer.decode(texts.token_ids) == " OCR: ab"


def test_texts_are_painted_over_the_rest_of_the_sound():
    ids = [9, 1, 7, 7, 2, 5, 5, 5, 8, 8]
    labels = reference_modality_ids(
        ids,
        lengths={"ocr": 3},
        modality_ids={"video": 1, "ocr": 2, "audio": 3},
        vision_start_id=1,
        vision_end_id=2,
        audio_id=5,
        user_id=99,
    )

    assert labels.tolist() == [0, 1, 1, 1, 0, 3, 2, 2, 2, 0]


@pytest.mark.parametrize(("ids", "expected"), [([9, 4, 6, 6], [0, 0, 2, 0]), ([9, 6], None)])
def test_without_frames_labels_start_after_the_user_turn(ids, expected):
    def labels() -> list[int]:
        known = {"video": 1, "ocr": 2}
        marks = {"vision_start_id": 1, "vision_end_id": 2, "audio_id": None, "user_id": 4}
        return reference_modality_ids(ids, lengths={"ocr": 1}, modality_ids=known, **marks).tolist()

    if expected is None:
        with pytest.raises(InputError, match="user"):
            labels()
    else:
        assert labels() == expected


def test_an_encoder_in_reference_mode_leaves_the_processor_it_was_given_alone(encoder, documents):
    other = ClamrEncoder(encoder.model, processor=encoder.processor, compat="reference")
    queries, _ = other.encode_query(["when does the lantern swing?"])
    framed = [document for document in documents if len(document.frames)][:3]

    theirs = other.similarity(queries, other.encode_document(framed)[0])
    ours = encoder.similarity(queries, encoder.encode_document(framed)[0])

    assert (other.compat, encoder.compat) == ("reference", "corrected")
    assert not torch.allclose(theirs / len(queries[0]), ours)


def test_unknown_compat(encoder):
    with pytest.raises(UnknownNameError, match="corrected, reference"):
        ClamrEncoder(encoder.model, processor=encoder.processor, compat="published")
