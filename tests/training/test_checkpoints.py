"""Directories that are whole or absent, and states that come back bit for bit."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from clamr_select.errors import CheckpointError
from clamr_select.training.checkpoints import (
    atomic_directory,
    checkpoint_path,
    load_optimizer,
    load_random_state,
    newest_checkpoint,
    save_optimizer,
    save_random_state,
)
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.objective import Objective
from clamr_select.training.weights import load_weights, save_weights


def alone() -> None:
    """The barrier of a single process."""


def test_a_directory_appears_whole_or_not_at_all(tmp_path):
    final = checkpoint_path(tmp_path, step=3)

    def fail_half_way() -> None:
        with atomic_directory(final, is_main=True, barrier=alone) as staging:
            (staging / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert newest_checkpoint(tmp_path) is None
    with atomic_directory(final, is_main=True, barrier=alone) as staging:
        (staging / "whole").write_text("x")
        assert newest_checkpoint(tmp_path) is None
    assert newest_checkpoint(tmp_path) == final
    assert [path.name for path in final.iterdir()] == ["whole"]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]


def test_the_newest_is_that_of_the_highest_step(tmp_path):
    assert newest_checkpoint(tmp_path / "none") is None
    for step in (9, 10, 2):
        checkpoint_path(tmp_path, step=step).mkdir()
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_an_optimizer_comes_back_as_it_was(tmp_path):
    def optimizer() -> torch.optim.Optimizer:
        torch.manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(3, 2)), torch.nn.Parameter(torch.randn(2))]
        groups = [{"params": weights[:1], "weight_decay": 0.1}, {"params": weights[1:], "lr": 0.3}]
        return torch.optim.AdamW(groups, lr=0.1, betas=(0.9, 0.98))

    def step(used: torch.optim.Optimizer) -> list[torch.Tensor]:
        parameters = [p for group in used.param_groups for p in group["params"]]
        for parameter in parameters:
            parameter.grad = parameter.detach().sin()
        used.step()
        return [p.detach().clone() for p in parameters]

    straight, broken, resumed = optimizer(), optimizer(), optimizer()
    weights = step(straight), step(broken)
    save_optimizer(broken.state_dict(), directory=tmp_path)
    resumed.load_state_dict(load_optimizer(tmp_path, device=torch.device("cpu")))
    with torch.no_grad():
        for parameter, value in zip((p for g in resumed.param_groups for p in g["params"]), weights[1], strict=True):
            parameter.copy_(value)
    for one, other in zip(step(straight), step(resumed), strict=True):
        assert torch.equal(one, other)
    assert resumed.param_groups[0]["betas"] == (0.9, 0.98)


def test_states_within_states_and_shared_tensors_are_written(tmp_path):
    """As bitsandbytes' optimizers have them."""
    shared = torch.arange(4.0)
    entries = {
        number: {"step": 3, "hidden": {"state1": torch.full((2,), float(number)), "qmap1": shared}} for number in (0, 1)
    }
    save_optimizer({"state": entries, "param_groups": [{"params": [0, 1]}]}, directory=tmp_path)

    found = load_optimizer(tmp_path, device=torch.device("cpu"))["state"]

    for number in (0, 1):
        assert found[number]["step"] == 3
        assert found[number]["state1"].tolist() == [number, number]
        assert found[number]["qmap1"].tolist() == shared.tolist()


def test_random_states_come_back_as_they_were(tmp_path):
    def draw() -> tuple[float, float, float, float]:
        return random.random(), random.gauss(0, 1), float(np.random.normal()), float(torch.rand(()))

    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    draw()
    save_random_state(tmp_path / "state.safetensors")
    expected = [draw() for _ in range(3)]
    load_random_state(tmp_path / "state.safetensors")
    assert [draw() for _ in range(3)] == expected


def test_weights_come_back_and_a_missing_file_is_an_error(tmp_path, make_retriever):
    model = ContrastiveModel(make_retriever(), objective=Objective(temperature=0.05))
    with torch.no_grad():
        model.retriever.embedding_proj_layer.weight.mul_(2)
        model.log_temperature.fill_(-2.5)
    save_weights(model, directory=tmp_path)
    fresh = ContrastiveModel(make_retriever(), objective=Objective(temperature=0.05))
    load_weights(fresh, directory=tmp_path)
    for (name, one), other in zip(model.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(one, other), name
    (tmp_path / "temperature.safetensors").unlink()
    with pytest.raises(CheckpointError, match="temperature"):
        load_weights(fresh, directory=tmp_path)
