"""Batch size, padding and labels: what a token is and what may never change its vector."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clamr_select.errors import CheckpointError, InputError
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.encoder import ClamrEncoder


@pytest.mark.parametrize("batch_tokens", [1, 150, 100_000])
def test_a_document_has_the_same_vectors_in_any_batch(encoder, documents, batch_tokens):
    alone = [encoder.encode_document([document])[0][0] for document in documents]
    together, _ = encoder.encode_document(documents, batch_tokens=batch_tokens)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one.vectors, other.vectors, atol=1e-5, rtol=0)
        assert torch.equal(one.modality_ids, other.modality_ids)


def test_a_question_has_the_same_vectors_in_any_batch(encoder):
    questions = ["lantern", "when does the harbor lantern swing over the glacier?"]
    together, _ = encoder.encode_query(questions)
    for question, vectors in zip(questions, together, strict=True):
        torch.testing.assert_close(encoder.encode_query([question])[0][0], vectors, atol=1e-5, rtol=0)
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)), atol=1e-5, rtol=0)


def test_labels_are_known_by_construction(encoder):
    frames = [np.full((63, 112, 3), value, dtype=np.uint8) for value in (0, 100, 200)]
    document = Document(
        frames=frames,
        texts=(
            TextSegment("asr", "lantern", 1, 2),
            TextSegment("ocr", "glacier", 0, 0),
            TextSegment("description", "film"),
        ),
    )
    (tokens,), _ = encoder.encode_document([document])
    assert tokens.modalities == ("video", "ocr", "asr", "description")
    video = tokens.modality_ids == 1
    assert tokens.first_candidates[video].tolist() == sorted([0, 1, 2] * 8)
    assert torch.equal(tokens.first_candidates[video], tokens.last_candidates[video])
    ranges = {
        int(m): {
            (int(a), int(b)) for a, b in zip(tokens.first_candidates[same], tokens.last_candidates[same], strict=True)
        }
        for m in (2, 3, 4)
        for same in [tokens.modality_ids == m]
    }
    assert ranges == {2: {(0, 0)}, 3: {(1, 2)}, 4: {(-1, -1)}}


def test_metadata_changes_no_vector_of_a_frame(encoder):
    """It comes last and attention is causal: a title cannot flatten the scores of frames."""
    frames = [np.full((63, 112, 3), value, dtype=np.uint8) for value in (10, 90)]
    line = TextSegment("asr", "the lantern swings", 0, 1)
    (without,), _ = encoder.encode_document([Document(frames, (line,))])
    (titled,), _ = encoder.encode_document([Document(frames, (line, TextSegment("description", "harbor lantern")))])
    timed = titled.first_candidates >= 0
    torch.testing.assert_close(titled.vectors[timed], without.vectors, atol=1e-6, rtol=0)


def test_a_candidate_meets_itself_or_its_neighbor(encoder):
    frame, other = (np.full((63, 112, 3), value, dtype=np.uint8) for value in (10, 200))
    repeated, explicit, neighbor = (
        encoder.encode_document([Document([frame], neighbors=pair)])[0][0].vectors for pair in (None, [frame], [other])
    )
    torch.testing.assert_close(repeated, explicit, atol=0, rtol=0)
    assert not torch.allclose(repeated, neighbor, atol=1e-4)


def test_special_tokens_in_text_from_outside_are_only_text(encoder):
    document = Document([np.zeros((63, 112, 3), dtype=np.uint8)], (TextSegment("ocr", "<|video_pad|> hi", 0, 0),))
    (tokens,), _ = encoder.encode_document([document])
    assert int((tokens.modality_ids == 1).sum()) == 8
    assert int((tokens.modality_ids == 2).sum()) > 5


def test_text_past_its_budget_is_reported_not_dropped_in_silence(encoder):
    long = TextSegment("asr", "lantern " * 2000, 0, 0)
    document = Document([np.zeros((63, 112, 3), dtype=np.uint8)], (long,))
    (tokens,), truncations = encoder.encode_document([document])
    budget = encoder.processor.max_text_tokens
    assert int((tokens.modality_ids == 3).sum()) == budget
    assert [(t.item, t.modality) for t in truncations] == [(0, "asr")]
    assert truncations[0].num_tokens_cut > 0
    (_,), cut = encoder.encode_query(["lantern " * 500])
    assert cut[0].modality == "query"


def test_similarity_prefers_what_is_the_same(encoder, documents):
    queries, _ = encoder.encode_query(["lantern", "glacier"])
    embedded, _ = encoder.encode_document(documents)
    for similarity in ("token_max", "modality_max"):
        scores = encoder.similarity(queries, embedded, similarity=similarity)
        assert scores.shape == (2, len(documents))
        assert bool(torch.isfinite(scores).all())
        assert float(scores.max()) <= 1 + 1e-5


def test_encode_fails_on_bad_input(encoder):
    with pytest.raises(InputError, match="empty"):
        encoder.encode_query(["  "])
    with pytest.raises(InputError, match="there is no question"):
        encoder.encode_query([])
    with pytest.raises(InputError, match=r"question 1 holds '\\udce9' at character 3"):
        encoder.encode_query(["lantern", "caf\udce9 what"])
    with pytest.raises(InputError, match="list of questions"):
        encoder.encode_query("lantern")
    with pytest.raises(InputError, match="no modality 'smell'"):
        encoder.encode_document([Document([np.zeros((8, 8, 3), np.uint8)], (TextSegment("smell", "x", 0, 0),))])
    with pytest.raises(InputError, match="got none of them"):
        Document([])
    with pytest.raises(InputError, match="covers candidates"):
        Document([np.zeros((8, 8, 3), np.uint8)], (TextSegment("ocr", "x", 0, 1),))


def test_model_and_processor_must_agree(encoder, processor):
    class Other:
        modalities = ("video", "asr")
        tokenizer = processor.tokenizer

    with pytest.raises(CheckpointError, match="same order"):
        ClamrEncoder(encoder.model, processor=Other())  # type: ignore[arg-type]


def test_question_words_name_their_tokens(processor):
    question = "harbor lantern swings?"
    words = processor.question_words(question)
    assert [word for word, _ in words] == question.split()
    batch, _ = processor.process_queries([question])
    ids = batch["input_ids"][0]
    for word, positions in words:
        assert processor.tokenizer.decode(ids[positions]).strip() == word
