"""The paper's recipe on a shrunken backbone of the same classes: which parameters train, to the last name."""

from __future__ import annotations

import sys

import pytest
import torch

from clamr_select.errors import CheckpointError, InputError, MissingDependencyError
from clamr_select.training.adapters import add_lora, freeze_senses, load_adapter, save_adapter, trainable_parameters
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.memory import enable_gradient_checkpointing
from clamr_select.training.presets import PAPER_OBJECTIVE, paper_arguments
from clamr_select.training.trainer import ClamrTrainer

from .rows import keyed_batch
from .test_trainer import Rows, collate_rows

KINDS = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP_KINDS = ("gate_proj", "up_proj", "down_proj")


def expected_names(num_layers: int) -> list[str]:
    modules = []
    for layer in range(num_layers):
        stem = f"retriever.vlm.language_model.layers.{layer}"
        modules += [f"{stem}.self_attn.{kind}" for kind in KINDS] + [f"{stem}.mlp.{kind}" for kind in MLP_KINDS]
    modules.append("retriever.embedding_proj_layer")
    return sorted([f"{m}.lora_{side}.default.weight" for m in modules for side in "AB"] + ["log_temperature"])


def paper_trainer(directory, retriever, processor, *, num_steps):
    from functools import partial

    return ClamrTrainer(
        ContrastiveModel(retriever, objective=PAPER_OBJECTIVE),
        args=paper_arguments(
            directory,
            use_cpu=True,
            optim="adamw_torch",
            per_device_train_batch_size=2,
            disable_tqdm=True,
            max_steps=num_steps,
            logging_steps=1,
            save_steps=2,
            dataloader_num_workers=0,
            learning_rate=1e-3,
        ),
        processor=processor,
        data_collator=partial(collate_rows, processor=processor),
        train_dataset=Rows(),
    )


def test_three_steps_of_the_papers_recipe(tmp_path, make_retriever, processor):
    retriever = make_retriever()
    modules = add_lora(retriever, base="some/backbone")
    enable_gradient_checkpointing(retriever)
    assert retriever.vlm.language_model.layers[0].gradient_checkpointing
    trainer = paper_trainer(tmp_path, retriever, processor, num_steps=3)
    assert len(modules) == 7 * 1 + 1
    assert sorted(trainable_parameters(trainer.model)) == expected_names(num_layers=1)
    adapter = retriever.embedding_proj_layer
    assert adapter.lora_A["default"].weight.shape == (128, 32)
    assert (adapter.scaling["default"], adapter.lora_dropout["default"].p) == (1.0, 0.1)
    before = {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}
    trainer.train_from_newest()
    assert trainer.state.global_step == 3
    changed = [name for name, p in trainer.model.named_parameters() if not torch.equal(p, before[name])]
    assert sorted(changed) == expected_names(num_layers=1)


def test_an_adapter_run_resumes_to_the_same_weights(tmp_path, make_retriever, processor):
    runs = []
    for name in ("straight", "resumed"):
        retriever = make_retriever()
        torch.manual_seed(3)
        add_lora(retriever, rank=4, alpha=8)
        trainer = paper_trainer(tmp_path / name, retriever, processor, num_steps=4)
        if name == "resumed":
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / "straight" / "checkpoint-2").rename(tmp_path / name / "checkpoint-2")
        trainer.train_from_newest()
        runs.append(trainer.model)
    assert not (tmp_path / "resumed" / "checkpoint-4" / "model.safetensors").exists()
    for (name, one), other in zip(runs[0].named_parameters(), runs[1].parameters(), strict=True):
        assert torch.equal(one, other), name


def test_an_adapter_carries_the_projection_it_was_trained_on(tmp_path, make_retriever, processor):
    trained, other = make_retriever(), make_retriever()
    for model in (trained, other):
        add_lora(model, rank=4)
    with torch.no_grad():
        for name, parameter in trained.named_parameters():
            if "lora_" in name or "embedding_proj_layer" in name:
                parameter.add_(0.1)
    save_adapter(trained, directory=tmp_path)
    load_adapter(other, directory=tmp_path)
    for (name, one), parameter in zip(trained.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(one, parameter), name
    smaller = make_retriever()
    add_lora(smaller, rank=2)
    with pytest.raises(CheckpointError, match="rank 4"):
        load_adapter(smaller, directory=tmp_path)
    with pytest.raises(CheckpointError, match="no adapter"):
        load_adapter(other, directory=tmp_path / "nowhere")


def test_a_frozen_vision_tower_stays_as_it_is(make_retriever, processor):
    from clamr_select.training.prepared import prepare

    model = ContrastiveModel(make_retriever())
    freeze_senses(model.retriever)
    names = trainable_parameters(model)
    assert not any(".visual." in name for name in names)
    assert "retriever.vlm.language_model.embed_tokens.weight" in names
    model(prepare(keyed_batch([0, 1, 2]), processor=processor))["loss"].backward()
    assert all((p.grad is None) == (".visual." in name) for name, p in model.named_parameters())


def test_bad_adapters_are_refused(make_retriever, monkeypatch):
    model = make_retriever()
    with pytest.raises(InputError, match="rank=0"):
        add_lora(model, rank=0)
    add_lora(model, rank=2)
    with pytest.raises(InputError, match="already"):
        add_lora(model)
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingDependencyError, match=r"clamr-select\[train\]"):
        add_lora(make_retriever())
