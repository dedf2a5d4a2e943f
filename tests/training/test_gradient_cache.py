"""Cached gradients are the plain ones, and hold no activation of a group that is not being worked on."""

from __future__ import annotations

import weakref

import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.objective import LossTerm, Objective
from clamr_select.training.prepared import prepare
from clamr_select.training.presets import NANO_OBJECTIVE

from .rows import keyed_batch

OBJECTIVES = {
    "nano": NANO_OBJECTIVE,
    "hard_negative": Objective(terms=(LossTerm("hard_negative"), LossTerm("pairwise", "token_max", weight=0.5))),
}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("documents_per_group", [1, 2])
def test_cached_gradients_are_the_plain_ones(batch, processor, make_retriever, objective, documents_per_group):
    prepared = prepare(batch, processor=processor, documents_per_group=documents_per_group)
    gradients, losses = [], []
    for cached in (False, True):
        model = ContrastiveModel(make_retriever(), objective=OBJECTIVES[objective], cache_gradients=cached)
        dropouts(model, probability=0.1)
        torch.manual_seed(1)
        loss = model(prepared)["loss"]
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert gradients[0].keys() == gradients[1].keys()
    assert "log_temperature" in gradients[0]
    for name, plain in gradients[0].items():
        assert bool(torch.isfinite(plain).all()), name
        torch.testing.assert_close(
            gradients[1][name], plain, atol=1e-6, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )


def dropouts(model: ContrastiveModel, *, probability: float) -> None:
    """Dropout after the projection: both passes of a cached group must draw the same."""
    projection = model.retriever.embedding_proj_layer
    model.retriever.embedding_proj_layer = torch.nn.Sequential(projection, torch.nn.Dropout(probability))


@pytest.mark.parametrize("cached", [False, True])
def test_activations_of_a_group_live_only_while_it_is_worked_on(processor, make_retriever, cached):
    prepared = prepare(keyed_batch([0, 1, 2, 3]), processor=processor, documents_per_group=1)
    model = ContrastiveModel(make_retriever(), cache_gradients=cached)
    activations: list[weakref.ref[torch.Tensor]] = []
    alive = []

    def keep(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        activations.append(weakref.ref(output))
        alive.append(sum(reference() is not None for reference in activations))

    model.retriever.vlm.language_model.layers[0].mlp.act_fn.register_forward_hook(keep)
    model(prepared)["loss"].backward()
    passes = 2 * len(prepared.groups)  # as many of queries as of documents
    assert len(alive) == (2 * passes if cached else passes)
    assert max(alive) == (1 if cached else passes)


def test_an_embedding_that_is_not_finite_names_its_document(processor, make_retriever):
    prepared = prepare(keyed_batch([0, 1, 2, 3]), processor=processor, documents_per_group=1)
    model = ContrastiveModel(make_retriever())
    victim = next(group for group in prepared.groups if group.positions == [2])
    victim.inputs["pixel_values_videos"] = torch.full(victim.inputs["pixel_values_videos"].shape, torch.nan)
    with pytest.raises(InputError, match=r"documents \[2\]"):
        model(prepared)


def test_temperature_stays_within_its_bounds(processor, make_retriever):
    objective = Objective(temperature=0.05, min_temperature=0.04, max_temperature=0.06)
    model = ContrastiveModel(make_retriever(), objective=objective)
    with torch.no_grad():
        model.log_temperature.fill_(3.0)
    assert float(model.temperature.detach()) == pytest.approx(0.06)
    fixed = ContrastiveModel(make_retriever(), objective=Objective(learnable_temperature=False))
    assert not fixed.log_temperature.requires_grad
    assert float(fixed.temperature) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: LossTerm("triplet"), "infonce"),
        (lambda: LossTerm(similarity="mean"), "token_max"),
        (lambda: LossTerm(rows="videos"), "documents"),
        (lambda: LossTerm("distill_kl", rows="frames"), "teacher"),
        (lambda: LossTerm(weight=0.0), "above 0"),
        (lambda: Objective(terms=()), "at least one"),
        (lambda: Objective(temperature=1.0), "within its bounds"),
    ],
)
def test_bad_objectives_are_refused(make, word):
    with pytest.raises(InputError, match=word):
        make()


def test_distillation_without_a_teacher_is_refused(processor, make_retriever):
    model = ContrastiveModel(make_retriever(), objective=Objective(terms=(LossTerm("distill_margin", "token_max"),)))
    with pytest.raises(InputError, match="teacher"):
        model(prepare(keyed_batch([0, 1]), processor=processor))
