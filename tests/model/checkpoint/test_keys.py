"""Canonical names: one table row for each layout that was ever saved."""

import pytest

from clamr_select.model.checkpoint.keys import canonical_key, unused_part

LAYER = "vlm.language_model.layers.0.self_attn.q_proj"
GATE = "vlm.visual.blocks.1.mlp.gate_proj"

FORMS = {
    # Qwen2.5-VL on the hub, as transformers <= 4.51 names it
    "model.layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "model.embed_tokens.weight": "vlm.language_model.embed_tokens.weight",
    "model.norm.weight": "vlm.language_model.norm.weight",
    "visual.blocks.1.mlp.gate_proj.weight": f"{GATE}.weight",
    "lm_head.weight": None,
    # 4.52 to 5.x
    "model.language_model.layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "model.language_model.norm.weight": "vlm.language_model.norm.weight",
    "model.visual.blocks.1.mlp.gate_proj.weight": f"{GATE}.weight",
    # bare backbones: colpali-engine >= 0.3.13, and their merged checkpoints
    "language_model.layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "language_model.embed_tokens.weight": "vlm.language_model.embed_tokens.weight",
    "layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "custom_text_proj.weight": "embedding_proj_layer.weight",
    "custom_text_proj.bias": "embedding_proj_layer.bias",
    # Omni up to transformers 5.20
    "thinker.model.layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "thinker.model.embed_tokens.weight": "vlm.language_model.embed_tokens.weight",
    "thinker.visual.blocks.1.mlp.gate_proj.weight": f"{GATE}.weight",
    "thinker.audio_tower.layers.0.self_attn.q_proj.weight": "vlm.audio_tower.layers.0.self_attn.q_proj.weight",
    "thinker.lm_head.weight": None,
    "talker.model.layers.0.self_attn.q_proj.weight": None,
    "token2wav.code2wav_dit_model.transformer_blocks.0.attn.to_q.weight": None,
    # Omni from 5.21
    "thinker.model.language_model.layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "thinker.model.visual.blocks.1.mlp.gate_proj.weight": f"{GATE}.weight",
    "thinker.model.audio_tower.conv1.weight": "vlm.audio_tower.conv1.weight",
    # the thinker alone (colpali-engine's ColQwenOmni)
    "audio_tower.conv1.weight": "vlm.audio_tower.conv1.weight",
    "model.audio_tower.conv1.weight": "vlm.audio_tower.conv1.weight",
    # transformers' ColQwen2ForRetrieval, and ours
    "vlm.model.language_model.layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "vlm.model.visual.blocks.1.mlp.gate_proj.weight": f"{GATE}.weight",
    "vlm.model.layers.0.self_attn.q_proj.weight": f"{LAYER}.weight",
    "vlm.lm_head.weight": None,
    "embedding_proj_layer.weight": "embedding_proj_layer.weight",
    f"{LAYER}.weight": f"{LAYER}.weight",
    f"{GATE}.weight": f"{GATE}.weight",
    # modules of adapters: CLaMR on VL under 4.51 and 4.52, on Omni, colpali-style, and ours
    "base_model.model.model.layers.0.self_attn.q_proj": LAYER,
    "base_model.model.model.language_model.layers.0.self_attn.q_proj": LAYER,
    "base_model.model.language_model.layers.0.self_attn.q_proj": LAYER,
    "base_model.model.thinker.model.layers.0.self_attn.q_proj": LAYER,
    "base_model.model.thinker.model.language_model.layers.0.self_attn.q_proj": LAYER,
    "base_model.model.talker.model.layers.0.self_attn.q_proj": None,
    "base_model.model.vlm.language_model.layers.0.self_attn.q_proj": LAYER,
    "base_model.model.model.visual.blocks.1.mlp.gate_proj": GATE,
    "base_model.model.custom_text_proj": "embedding_proj_layer",
    "base_model.model.embedding_proj_layer": "embedding_proj_layer",
}


@pytest.mark.parametrize("saved", FORMS)
def test_every_layout_maps_to_our_names(saved):
    assert canonical_key(saved) == FORMS[saved]


def test_our_names_stay():
    ours = {name for name in FORMS.values() if name is not None}
    assert {canonical_key(name) for name in ours} == ours


@pytest.mark.parametrize(
    ("saved", "part"),
    [
        ("thinker.lm_head.weight", "lm_head"),
        ("base_model.model.talker.model.layers.0.mlp.up_proj.lora_A.weight", "talker"),
        ("token2wav.x", "token2wav"),
        ("model.layers.0.mlp.up_proj.weight", None),
    ],
)
def test_parts_that_retrieval_does_not_use(saved, part):
    assert unused_part(saved) == part


@pytest.mark.parametrize("stray", ["stray.weight", "custom_text_projection.weight", "talkers.weight", "modelvisual.w"])
def test_a_name_of_no_layout_is_no_name_of_ours(stray):
    assert canonical_key(stray) == f"vlm.{stray}"
