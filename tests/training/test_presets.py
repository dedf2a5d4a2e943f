"""Recipes and settings files: read, understood by the libraries they are for, and fitting our model's classes."""

from __future__ import annotations

import json

import pytest
from accelerate import FullyShardedDataParallelPlugin
from accelerate.utils.deepspeed import HfDeepSpeedConfig

from clamr_select.errors import InputError
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.presets import (
    DEEPSPEED_PRESETS,
    FSDP_PRESETS,
    NANO_OBJECTIVE,
    PAPER_OBJECTIVE,
    nano_arguments,
    paper_arguments,
    read_settings,
)


def test_fsdp_wraps_every_layer_of_our_model(tmp_path, make_retriever):
    settings = read_settings("fsdp", presets=FSDP_PRESETS)
    args = paper_arguments(tmp_path, optim="adamw_torch", bf16=False, use_cpu=True, fsdp=True, fsdp_config=settings)
    assert args.fsdp_plugin_args["fsdp_version"] == 2
    plugin = FullyShardedDataParallelPlugin(**args.fsdp_plugin_args)
    model = ContrastiveModel(make_retriever())
    plugin.set_auto_wrap_policy(model)
    wrapped = set(plugin.transformer_cls_names_to_wrap)
    layers = [*model.retriever.vlm.language_model.layers, *model.retriever.vlm.visual.blocks]
    assert {type(layer).__name__ for layer in layers} == wrapped
    assert all(parameter.ndim for parameter in model.parameters())  # FSDP shards no scalars


@pytest.mark.parametrize(("name", "stage"), [("zero2", 2), ("zero3", 3)])
def test_deepspeed_settings_are_understood(name, stage):
    settings = HfDeepSpeedConfig(read_settings(name, presets=DEEPSPEED_PRESETS))
    assert settings.get_value("zero_optimization.stage") == stage
    assert settings.is_zero3() == (stage == 3)
    assert settings.get_value("train_micro_batch_size_per_gpu") == "auto"
    assert not settings.is_offload()


def test_a_settings_file_of_the_user(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"zero_optimization": {"stage": 1}}))
    assert read_settings(str(path), presets=DEEPSPEED_PRESETS)["zero_optimization"] == {"stage": 1}
    path.write_text("[1]")
    with pytest.raises(InputError, match="JSON object"):
        read_settings(str(path), presets=DEEPSPEED_PRESETS)
    with pytest.raises(InputError, match="zero2, zero3"):
        read_settings("zero9", presets=DEEPSPEED_PRESETS)


def test_the_recipes_say_what_they_are(tmp_path):
    (term,) = PAPER_OBJECTIVE.terms
    assert (term.loss, term.similarity, term.rows) == ("infonce", "modality_max", "documents")
    assert {term.rows for term in NANO_OBJECTIVE.terms} == {"frames", "documents"}
    paper = paper_arguments(tmp_path, use_cpu=True)
    assert (paper.learning_rate, paper.num_train_epochs, paper.optim) == (1e-5, 1, "paged_adamw_8bit")
    nano = nano_arguments(tmp_path, num_steps=4000, use_cpu=True, weight_decay=0.5)
    assert nano.weight_decay == 0.5
    assert nano.lr_scheduler_kwargs["num_decay_steps"] == 2800
