"""Qwen3-VL: the next backbone is one file. Positions and vectors against upstream's, and a small one trained."""

from __future__ import annotations

from functools import partial
from itertools import islice

import pytest
import torch
from torch.utils.data import Dataset
from transformers import AutoModel

from clamr_select.eval.needle.batches import training_batches
from clamr_select.model import ClamrConfig, ClamrForRetrieval, ClamrProcessor
from clamr_select.model.backbones import backbone_for
from clamr_select.model.document import Document, TextSegment
from clamr_select.model.embedding import embed
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.selector import FrameSelector
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.nano import EMBEDDING_STD
from clamr_select.training.prepared import collate, prepare
from clamr_select.training.presets import NANO_OBJECTIVE, nano_arguments
from clamr_select.training.tokenizer import END_OF_TEXT, VIDEO_PAD, VISION_END, VISION_START, train_tokenizer
from clamr_select.training.trainer import ClamrTrainer

from .conftest import frames_of

HIDDEN = 64
MODEL_TYPE = "qwen3_vl"


def tiny_config(tokenizer) -> ClamrConfig:
    token_id = tokenizer.convert_tokens_to_ids
    return ClamrConfig(
        vlm_config={
            "model_type": MODEL_TYPE,
            "text_config": {
                "vocab_size": len(tokenizer),
                "hidden_size": HIDDEN,
                "intermediate_size": 2 * HIDDEN,
                "num_hidden_layers": 3,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "head_dim": 32,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 10_000.0,
                    "mrope_section": [6, 5, 5],
                    "mrope_interleaved": True,
                },
            },
            "vision_config": {
                "depth": 3,
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_heads": 2,
                "out_hidden_size": HIDDEN,
                "num_position_embeddings": 64,
                "deepstack_visual_indexes": [0, 1],
            },
            "image_token_id": token_id(VIDEO_PAD),
            "video_token_id": token_id(VIDEO_PAD),
            "vision_start_token_id": token_id(VISION_START),
            "vision_end_token_id": token_id(VISION_END),
        },
        modalities=backbone_for(MODEL_TYPE).modalities,
    )


def tiny_encoder(lines: list[str]) -> ClamrEncoder:
    tokenizer = train_tokenizer(lines, vocab_size=360)
    options = dict(backbone_for(MODEL_TYPE).processor_options)
    options |= {"document_prefix": "", "document_suffix": "", "num_query_suffix_tokens": 4, "max_pixels": 128 * 64}
    processor = ClamrProcessor(tokenizer, query_suffix_token=END_OF_TEXT, **options)
    torch.manual_seed(0)
    model = ClamrForRetrieval(tiny_config(tokenizer))
    torch.nn.init.normal_(model.get_input_embeddings().weight, std=EMBEDDING_STD)
    return ClamrEncoder(model.eval(), processor=processor, name="tiny-qwen3-vl")


@pytest.fixture(scope="module")
def encoder() -> ClamrEncoder:
    return tiny_encoder(["the lantern swings over the glacier", "Query: OCR: ASR: Description:"] * 5)


@pytest.fixture(scope="module")
def upstream(encoder):
    model = AutoModel.from_config(encoder.model.config.vlm_config)
    model.load_state_dict(encoder.model.vlm.state_dict())
    return model.eval()


@pytest.fixture
def batch(encoder):
    lamp = TextSegment("asr", "the lantern swings", 0, 0)
    documents = [
        Document(frames_of(3, height=64, width=96), (lamp,)),
        Document(frames_of(1, seed=1, height=120, width=64), (lamp, TextSegment("description", "glacier"))),
        Document((), (TextSegment("ocr", "over the glacier"),)),
    ]
    return encoder.processor.process_documents(documents)[0]


def own_rule(batch, encoder) -> dict[str, torch.Tensor]:
    video = encoder.model.config.vlm_config.video_token_id
    return {
        "input_ids": batch["input_ids"],
        "mm_token_type_ids": 2 * (batch["input_ids"] == video).int(),
        "video_grid_thw": batch["video_grid_thw"],
        "attention_mask": batch["attention_mask"],
    }


def test_positions_are_those_of_upstreams_own_rule(encoder, upstream, batch):
    positions, _ = upstream.get_rope_index(**own_rule(batch, encoder))
    attended = batch["attention_mask"].bool()
    assert torch.equal(batch["position_ids"][:, attended], positions[:, attended])


@torch.inference_mode()
def test_embeddings_are_those_of_upstreams_own_model(encoder, upstream, batch):
    hidden = upstream(pixel_values_videos=batch["pixel_values_videos"], **own_rule(batch, encoder)).last_hidden_state
    expected = torch.nn.functional.normalize(encoder.model.embedding_proj_layer(hidden), dim=-1)
    attended = batch["attention_mask"].bool()
    assert torch.allclose(embed(encoder.model, batch)[attended], expected[attended], atol=1e-5)


def test_each_candidate_has_its_own_tokens(encoder, batch):
    seen = batch["modality_ids"][0] == encoder.processor.modality_id("video")
    assert batch["first_candidates"][0][seen].tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert torch.equal(batch["first_candidates"][0][seen], batch["last_candidates"][0][seen])


def test_a_true_neighbour_is_the_second_half_of_a_patch(encoder):
    frames, neighbors = frames_of(2, height=64, width=96), frames_of(2, seed=9, height=64, width=96)
    (repeated,), _ = encoder.encode_document([Document(frames)])
    (same,), _ = encoder.encode_document([Document(frames, neighbors=frames)])
    (paired,), _ = encoder.encode_document([Document(frames, neighbors=neighbors)])
    assert torch.equal(repeated.vectors, same.vectors)
    assert not torch.allclose(repeated.vectors, paired.vectors, atol=1e-3)


def test_the_4b_model_at_full_size():
    """Values of the public config of Qwen3-VL-4B-Instruct, on the meta device."""
    text = {
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 5_000_000.0,
            "mrope_section": [24, 20, 20],
            "mrope_interleaved": True,
        },
    }
    vision = {
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_heads": 16,
        "out_hidden_size": 2560,
        "deepstack_visual_indexes": [5, 11, 17],
    }
    config = ClamrConfig(vlm_config={"model_type": MODEL_TYPE, "text_config": text, "vision_config": vision})
    with torch.device("meta"):
        model = ClamrForRetrieval(config)
    assert model.embedding_proj_layer.weight.shape == (128, 2560)
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(4.44e9, rel=0.01)
    assert len(backbone_for(MODEL_TYPE).lora_modules(model)) == 7 * 36 + 1


def test_lora_is_put_on_the_language_model_and_the_projection_alone(encoder):
    assert len(backbone_for(MODEL_TYPE).lora_modules(encoder.model)) == 7 * 3 + 1


class FewBatches(Dataset):
    """The same few needle batches over and over."""

    def __init__(self, batches, *, processor: ClamrProcessor, num_steps: int) -> None:
        self.prepared = [prepare(batch, processor=processor) for batch in batches]
        self.num_steps = num_steps

    def __len__(self) -> int:
        return self.num_steps

    def __getitem__(self, index: int):
        return self.prepared[index % len(self.prepared)]


@pytest.mark.slow
def test_a_small_one_is_trained_saved_loaded_and_selects(tmp_path, color_video):
    batches = list(islice(training_batches(seed=3, num_documents=8, max_frames=2, vision_only_share=0.0), 3))
    spoken = [segment.text for batch in batches for document in batch.documents for segment in document.texts]
    asked = [query.text for batch in batches for query in batch.queries]
    encoder = tiny_encoder([*spoken, *asked, "Query: OCR: ASR: Description:"])
    num_steps = 30
    trainer = ClamrTrainer(
        ContrastiveModel(encoder.model, objective=NANO_OBJECTIVE),
        args=nano_arguments(
            tmp_path / "run",
            num_steps=num_steps,
            logging_steps=1,
            use_cpu=True,
            disable_tqdm=True,
            save_strategy="no",
            dataloader_num_workers=0,
            dataloader_prefetch_factor=None,
        ),
        processor=encoder.processor,
        data_collator=partial(collate, processor=encoder.processor),
        train_dataset=FewBatches(batches, processor=encoder.processor, num_steps=num_steps),
    )
    trainer.train_from_newest()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert sum(losses[-6:]) < 0.6 * sum(losses[:6])

    directory = tmp_path / "model"
    encoder.model.save_pretrained(directory)
    encoder.processor.save_pretrained(directory)
    selector = FrameSelector.from_pretrained(str(directory), device="cpu")
    ours, _ = encoder.encode_query(["the lantern"])
    loaded, _ = selector.encoder.encode_query(["the lantern"])
    assert torch.allclose(ours[0], loaded[0], atol=1e-6)
    selection = selector.select(str(color_video), "a red square", num_frames=3, ocr="off", candidate_fps=0.5)
    assert len(selection) == 3
    assert None not in selection.candidates.scores_by_modality["video"]
