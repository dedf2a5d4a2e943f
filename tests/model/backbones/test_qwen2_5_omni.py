"""Documents with sound: what the released Omni processor makes of the same frames, sound and words."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from clamr_select.errors import InputError
from clamr_select.model import ClamrProcessor
from clamr_select.model.audio_features import log_mel, num_audio_tokens, token_candidates
from clamr_select.model.backbones import backbone_for
from clamr_select.model.document import SAMPLE_RATE, Document, DocumentAudio, TextSegment
from clamr_select.scoring.tokens import NO_CANDIDATE

GOLDEN = Path(__file__).parents[2] / "golden" / "omni_4_52"
OCR = "HARBOR 12:30\nglacier tours"
ASR = "a walrus plays the cello in the band room, naïvely"
DESCRIPTION = "the lantern over the harbor"


@pytest.fixture(scope="module")
def released() -> dict[str, torch.Tensor]:
    return load_file(GOLDEN / "expected.safetensors")


@pytest.fixture(scope="module")
def processor() -> ClamrProcessor:
    tokenizer = AutoTokenizer.from_pretrained(GOLDEN / "adapter")
    options = dict(backbone_for("qwen2_5_omni_thinker").processor_options)
    options["enlarge_to_pixels"] = None  # lowered when the fixture was made
    modalities = backbone_for("qwen2_5_omni_thinker").modalities
    return ClamrProcessor(tokenizer, modalities=modalities, **options)


def two_candidates(released: dict[str, torch.Tensor], *, audio: bool, texts: tuple[TextSegment, ...]) -> Document:
    """The released fixture fuses four frames in pairs: two candidates with the frame after each."""
    frames = released["frames"].numpy()
    sound = DocumentAudio(released["audio"].numpy(), (0.0, 0.2)) if audio else None
    return Document(frames[::2], texts, frames[1::2], sound)


def sound_of(seconds: float, *starts: float) -> DocumentAudio:
    samples = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE)).astype(np.float32) * 0.1
    return DocumentAudio(samples, starts)


def test_the_query_is_the_released_one(processor, released):
    batch, _ = processor.process_queries(["when does the bridge open?"])
    assert torch.equal(batch["input_ids"][0], released["query.input_ids"])
    assert torch.equal(batch["position_ids"][:, 0], released["query.position_ids"])


@pytest.mark.parametrize("audio", [False, True])
def test_a_document_has_the_released_tokens_and_positions(processor, released, audio):
    texts = (TextSegment("ocr", OCR, 0, 1),)
    if not audio:
        texts += (TextSegment("asr", ASR, 0, 1), TextSegment("description", DESCRIPTION))
    name = "audio_document" if audio else "document"
    batch, truncations = processor.process_documents([two_candidates(released, audio=audio, texts=texts)])
    assert not truncations
    assert torch.equal(batch["input_ids"][0], released[f"{name}.input_ids"])
    assert torch.equal(batch["position_ids"][:, 0], released[f"{name}.position_ids"])
    assert torch.equal(batch["video_grid_thw"], released[f"{name}.video_grid_thw"])


def test_reference_labels_are_the_released_ones(processor, released):
    """With the released code's way to paint words over the sound."""
    reference = copy.copy(processor)
    reference.compat = "reference"
    document = two_candidates(released, audio=True, texts=(TextSegment("ocr", OCR, 0, 1),))
    batch, _ = reference.process_documents([document])
    assert torch.equal(batch["input_ids"][0], released["audio_document.input_ids"])
    assert torch.equal(batch["modality_ids"][0], released["audio_document.modality_ids"])


def test_the_sound_has_the_released_features(processor, released):
    batch, _ = processor.process_documents([two_candidates(released, audio=True, texts=())])
    ours, theirs = batch["input_features"], released["audio_document.input_features"]
    assert ours.shape == theirs.shape
    # the fixture's call cut the padding off, so its last frame mirrors the sound where silence follows otherwise
    assert torch.allclose(ours[:, :, :-1], theirs[:, :, :-1], atol=2e-4)  # logarithms: processors differ in the FFT
    assert bool(batch["feature_attention_mask"].all())


def test_sound_tokens_are_labelled_with_the_candidates_they_overlap(processor, released):
    batch, _ = processor.process_documents([two_candidates(released, audio=True, texts=())])
    heard = batch["modality_ids"][0] == processor.modality_id("audio")
    assert int(heard.sum()) == 10  # 0.4 s at 25 tokens a second
    assert batch["first_candidates"][0][heard].tolist() == [0] * 5 + [1] * 5
    assert batch["last_candidates"][0][heard].tolist() == [0] * 5 + [1] * 5


def test_token_candidates_equal_a_naive_loop():
    audio = sound_of(3.0, -0.5, 0.33, 1.0, 2.6)
    num_tokens = num_audio_tokens(300)
    found = token_candidates(audio, num_tokens=num_tokens)
    ends = (*audio.candidate_starts_seconds[1:], 3.0)
    for token in range(num_tokens):
        begin, end = 0.04 * token, 0.04 * (token + 1)
        overlapped = [
            i
            for i, (a, b) in enumerate(zip(audio.candidate_starts_seconds, ends, strict=True))
            if min(b, end) - max(a, begin) > 1e-6
        ]
        assert found[token].tolist() == [overlapped[0], overlapped[-1]]


def test_sound_without_frames_has_no_candidate(processor):
    batch, _ = processor.process_documents([Document((), audio=sound_of(1.0))])
    heard = batch["modality_ids"][0] == processor.modality_id("audio")
    assert int(heard.sum()) == 25
    assert set(batch["first_candidates"][0][heard].tolist()) == {NO_CANDIDATE}


def test_thirty_seconds_are_750_tokens_and_more_is_cut_and_said(processor):
    batch, truncations = processor.process_documents([Document((), audio=sound_of(31.0))])
    assert int((batch["modality_ids"][0] == processor.modality_id("audio")).sum()) == 750
    assert [(t.modality, t.num_tokens_cut) for t in truncations] == [("audio", 25)]


def test_sounds_of_two_lengths_are_padded_apart_from_their_mask(processor):
    batch, _ = processor.process_documents([Document((), audio=sound_of(s)) for s in (0.5, 1.25)])
    assert batch["feature_attention_mask"].sum(dim=1).tolist() == [50, 125]
    alone = log_mel(sound_of(0.5).samples)
    assert torch.equal(batch["input_features"][0, :, :50], alone)
    assert not batch["input_features"][0, :, 50:].any()


def test_log_mel_equals_upstreams_padding_to_the_end():
    from transformers import WhisperFeatureExtractor

    extractor = WhisperFeatureExtractor(feature_size=128, sampling_rate=16_000, hop_length=160, chunk_length=4)
    samples = sound_of(1.237).samples
    padded = extractor(samples, sampling_rate=16_000, padding="max_length", return_attention_mask=True)
    length = int(padded["attention_mask"].sum())
    ours = log_mel(samples)
    assert ours.shape == (128, length)
    assert np.allclose(ours.numpy(), padded["input_features"][0][:, :length], atol=1e-5)


def test_a_model_without_ears_refuses_sound():
    tokenizer = AutoTokenizer.from_pretrained(GOLDEN.parent / "vl_4_51" / "adapter")
    deaf = ClamrProcessor(tokenizer)
    with pytest.raises(InputError, match="hears nothing"):
        deaf.process_documents([Document((), audio=sound_of(0.5))])


@pytest.mark.parametrize(
    ("samples", "starts", "message"),
    [
        (np.zeros(639, dtype=np.float32), (), "at least 640 samples"),
        (np.zeros(999, dtype=np.float64), (), "float32"),
        (np.zeros((2, 999), dtype=np.float32), (), "shape"),
        (np.zeros(999, dtype=np.float32), (0.0, 1.0, 0.5), "must not fall"),
    ],
)
def test_malformed_sound_is_refused(samples, starts, message):
    with pytest.raises(InputError, match=message):
        DocumentAudio(samples, starts)


def test_a_document_wants_one_start_a_frame():
    frame = np.zeros((56, 84, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="1 candidate_starts_seconds for 2 frames"):
        Document([frame, frame], audio=sound_of(0.5, 0.0))
