"""Muon on matrices, AdamW on the rest: the same steps as each alone, one schedule, and a state that comes back."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

from clamr_select.errors import CheckpointError, InputError, UnknownNameError
from clamr_select.training.arguments import training_arguments
from clamr_select.training.checkpoints import load_optimizer, save_optimizer
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.optimizers import MuonWithAdamW, muon_with_adamw
from clamr_select.training.prepared import prepare
from clamr_select.training.trainer import ClamrTrainer

from .rows import keyed_batch


def weights() -> list[torch.nn.Parameter]:
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(4, 3)), torch.nn.Parameter(torch.randn(3))]


def both(parameters: list[torch.nn.Parameter]) -> MuonWithAdamW:
    groups = [{"params": [parameter], "weight_decay": 0.1} for parameter in parameters]
    return MuonWithAdamW(groups[:1], groups[1:], lr=0.01, betas=(0.9, 0.98))


def step(optimizers: list[torch.optim.Optimizer], parameters: list[torch.nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.grad = parameter.detach().sin()
    for optimizer in optimizers:
        optimizer.step()


def test_each_part_steps_as_it_does_alone_and_one_schedule_drives_both():
    ours, theirs = weights(), weights()
    joint = both(ours)
    muon = torch.optim.Muon(theirs[:1], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(theirs[1:], lr=0.01, weight_decay=0.1, betas=(0.9, 0.98))
    optimizers = [joint, muon, adamw]
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda n: 1 / (1 + n)) for o in optimizers]
    for _ in range(4):
        step([joint], ours)
        step([muon, adamw], theirs)
        for schedule in schedules:
            schedule.step()
    assert [group["lr"] for group in joint.param_groups] == [0.002, 0.002]
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_the_state_comes_back_from_the_disk(tmp_path):
    straight, broken, resumed = weights(), weights(), weights()
    optimizers = [both(parameters) for parameters in (straight, broken, resumed)]
    step(optimizers[:1], straight)
    step(optimizers[1:2], broken)
    save_optimizer(optimizers[1].state_dict(), directory=tmp_path)
    state = load_optimizer(tmp_path, device=torch.device("cpu"))
    optimizers[2].load_state_dict(state)
    with torch.no_grad():
        for parameter, value in zip(resumed, broken, strict=True):
            parameter.copy_(value)
    step(optimizers[:1], straight)
    step(optimizers[2:], resumed)
    for one, other in zip(straight, resumed, strict=True):
        assert torch.equal(one, other)


def test_a_state_of_another_optimizer_or_model_is_refused():
    parameters = weights()
    adamw = torch.optim.AdamW(parameters)
    with pytest.raises(CheckpointError, match="not 'muon'"):
        both(weights()).load_state_dict(adamw.state_dict())
    state = copy.deepcopy(both(weights()).state_dict())
    del state["param_groups"][1]
    with pytest.raises(CheckpointError, match="another model"):
        both(weights()).load_state_dict(state)


def test_matrices_but_no_embedding_go_to_muon(make_retriever):
    model = ContrastiveModel(make_retriever())
    decayed = {name for name, parameter in model.named_parameters() if parameter.ndim >= 2}
    optimizer = muon_with_adamw(model, decayed=decayed, lr=1e-3, weight_decay=0.01, betas=(0.9, 0.98), eps=1e-8)
    by_algorithm = {"muon": set(), "adamw": set()}
    for group in optimizer.param_groups:
        by_algorithm[group["algorithm"]] |= {id(parameter) for parameter in group["params"]}
        assert group["weight_decay"] == (0.01 if group["params"][0].ndim >= 2 else 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert set(names) == by_algorithm["muon"] | by_algorithm["adamw"]
    assert id(model.retriever.get_input_embeddings().weight) in by_algorithm["adamw"]
    assert id(model.retriever.embedding_proj_layer.weight) in by_algorithm["muon"]
    assert not any("norm" in names[parameter] or "bias" in names[parameter] for parameter in by_algorithm["muon"])


def make_trainer(directory, retriever, processor, *, optimizer="muon", **options) -> ClamrTrainer:
    defaults = {"use_cpu": True, "disable_tqdm": True, "logging_steps": 1, "learning_rate": 1e-3, "max_steps": 6}
    return ClamrTrainer(
        ContrastiveModel(retriever),
        args=training_arguments(directory, **{**defaults, "per_device_train_batch_size": 4, **options}),
        processor=processor,
        data_collator=partial(collate_rows, processor=processor),
        train_dataset=list(range(12)),
        optimizer=optimizer,
    )


def collate_rows(rows, *, processor):
    return {"batch": prepare(keyed_batch(rows), processor=processor)}


def test_a_run_with_muon_resumes_to_the_same_weights(tmp_path, make_retriever, processor):
    options = {"save_steps": 2, "save_total_limit": 9, "weight_decay": 0.01}
    straight = make_trainer(tmp_path / "straight", make_retriever(), processor, **options)
    straight.train_from_newest()
    directory = tmp_path / "resumed"
    directory.mkdir()
    (tmp_path / "straight" / "checkpoint-4").rename(directory / "checkpoint-4")
    resumed = make_trainer(directory, make_retriever(), processor, **options)
    resumed.train_from_newest()
    for (name, one), other in zip(straight.model.named_parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other), name
    start = make_retriever()
    assert not torch.equal(start.embedding_proj_layer.weight, straight.model.retriever.embedding_proj_layer.weight)
    other = make_trainer(tmp_path / "straight", make_retriever(), processor, optimizer="adamw", **options)
    with pytest.raises(CheckpointError, match="optimizer was muon, now adamw"):
        other.train_from_newest()


def test_names_and_sharding_that_cannot_be_are_refused(tmp_path, make_retriever, processor):
    with pytest.raises(UnknownNameError, match="adamw, muon"):
        make_trainer(tmp_path, make_retriever(), processor, optimizer="sgd")
    with pytest.raises(InputError, match="shard"):
        make_trainer(tmp_path, make_retriever(), processor, fsdp=True, fsdp_config={"fsdp_version": 2})
