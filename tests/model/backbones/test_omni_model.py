"""The Omni backbone against transformers' own model with its own positions."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModel

from clamr_select.errors import InputError, MissingDependencyError
from clamr_select.model.backbones import backbone_for, base
from clamr_select.model.document import Document
from clamr_select.model.embedding import embed
from clamr_select.model.encoder import ClamrEncoder

from .conftest import frames_of, sound_of


@pytest.fixture(scope="module")
def upstream(omni):
    """transformers' model, with nothing of ours in it."""
    model = AutoModel.from_config(omni.model.config.vlm_config)
    model.load_state_dict(omni.model.vlm.state_dict())
    return model.eval()


@pytest.fixture
def batch(omni, heard_documents):
    return omni.processor.process_documents(heard_documents)[0]


def test_positions_are_those_of_upstreams_own_rule(upstream, batch):
    positions, _ = upstream.get_rope_index(
        input_ids=batch["input_ids"],
        video_grid_thw=batch["video_grid_thw"],
        attention_mask=batch["attention_mask"],
        audio_seqlens=batch["feature_attention_mask"].sum(dim=1),
        second_per_grids=torch.ones(len(batch["video_grid_thw"])),
    )
    attended = batch["attention_mask"].bool()
    assert torch.equal(batch["position_ids"][:, attended], positions[:, attended])


@torch.inference_mode()
def test_embeddings_are_those_of_upstreams_own_model(omni, upstream, batch):
    hidden = upstream(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        pixel_values_videos=batch["pixel_values_videos"],
        video_grid_thw=batch["video_grid_thw"],
        input_features=batch["input_features"],
        feature_attention_mask=batch["feature_attention_mask"],
        video_second_per_grid=torch.ones(len(batch["video_grid_thw"])),
    ).last_hidden_state
    expected = torch.nn.functional.normalize(omni.model.embedding_proj_layer(hidden), dim=-1)
    attended = batch["attention_mask"].bool()
    assert torch.allclose(embed(omni.model, batch)[attended], expected[attended], atol=1e-5)


def test_a_document_alone_has_the_vectors_it_has_in_a_batch(omni, heard_documents):
    together, _ = omni.encode_document(heard_documents)
    for document, tokens in zip(heard_documents, together, strict=True):
        (alone,), _ = omni.encode_document([document])
        assert torch.allclose(alone.vectors, tokens.vectors, atol=1e-5)
        assert torch.equal(alone.modality_ids, tokens.modality_ids)


def test_sound_counts_in_the_size_of_a_batch(omni):
    """Each second is 25 tokens: two documents of 30 s do not share a batch of 1,000."""
    sizes = []
    for seconds in (1.0, 30.0):
        documents = [Document((), audio=sound_of(seconds))] * 2
        sizes.append([len(batch.positions) for batch in omni.batches(documents, batch_tokens=1000)])
    assert sizes == [[2], [1, 1]]


def test_sound_is_felt_by_itself_and_by_what_follows(omni):
    frames = frames_of(2)
    (loud,), _ = omni.encode_document([Document(frames, audio=sound_of(1.0, 0.0, 0.5))])
    (cut,), _ = omni.encode_document([Document(frames, audio=sound_of(0.5, 0.0, 0.25))])
    heard = loud.modality_ids == 1 + omni.modalities.index("audio")
    assert int(heard.sum()) == 25
    assert set(loud.first_candidates[heard].tolist()) == {0, 1}
    seen = loud.modality_ids == 1
    assert torch.allclose(loud.vectors[seen], cut.vectors[cut.modality_ids == 1], atol=1e-6)  # causal: before it


def test_frames_are_shrunk_and_then_enlarged_as_the_released_processor_does(omni):
    assert omni.processor.frame_size(360, 640) == (252, 420)
    height, width = omni.processor.frame_size(64, 64)
    assert height * width >= 128 * 28 * 28
    (tokens,), _ = omni.encode_document([Document(frames_of(1, height=360, width=640))])
    assert len(tokens) == 252 * 420 // 28**2


@pytest.mark.parametrize("name", ["eager", "sdpa"])
def test_attention_by_name(omni, heard_documents, name):
    model = type(omni.model)(omni.model.config)
    model.load_state_dict(omni.model.state_dict())
    model.set_attn_implementation(name)
    towers = (model.vlm.visual, model.vlm.audio_tower, model.vlm.language_model)
    assert {tower.config._attn_implementation for tower in towers} == {name}
    other, _ = ClamrEncoder(model.eval(), processor=omni.processor).encode_document(heard_documents)
    for mine, theirs in zip(omni.encode_document(heard_documents)[0], other, strict=True):
        assert torch.allclose(mine.vectors, theirs.vectors, atol=1e-5)


def test_our_own_save_gives_the_same_vectors(omni, heard_documents, tmp_path):
    omni.model.save_pretrained(tmp_path)
    omni.processor.save_pretrained(tmp_path)
    loaded = ClamrEncoder.from_pretrained(str(tmp_path), device="cpu")
    assert loaded.modalities == ("video", "audio", "ocr", "asr", "description")
    for mine, theirs in zip(
        omni.encode_document(heard_documents)[0], loaded.encode_document(heard_documents)[0], strict=True
    ):
        assert torch.equal(mine.vectors, theirs.vectors)


def test_lora_is_put_on_the_language_model_and_the_projection_alone(omni):
    names = backbone_for("qwen2_5_omni_thinker").lora_modules(omni.model)
    layers = omni.model.config.get_text_config().num_hidden_layers
    assert len(names) == 7 * layers + 1
    assert not [name for name in names if "visual" in name or "audio_tower" in name]


def test_an_older_transformers_is_refused_by_version(monkeypatch):
    monkeypatch.setattr(base, "version", lambda package: "5.20.1")
    backbone_for("qwen2_5_vl").check()
    with pytest.raises(MissingDependencyError, match=r"needs transformers >= 5\.21, got 5\.20\.1"):
        backbone_for("qwen2_5_omni_thinker").check()


def test_a_backbone_that_does_not_hear_refuses_sound():
    nano = ClamrEncoder.from_pretrained("clamr-nano", device="cpu")
    with pytest.raises(InputError, match="hears nothing"):
        nano.encode_document([Document((), audio=sound_of(1.0))])
