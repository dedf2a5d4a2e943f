"""The trainer as a whole, on a model that takes milliseconds a step."""

from __future__ import annotations

import json
import shutil
from functools import partial

import pytest
import torch
from torch.utils.data import Dataset

from clamr_select.errors import CheckpointError, InputError
from clamr_select.model.loading import load
from clamr_select.training.arguments import early_stopping, early_stopping_options, training_arguments
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.objective import LossTerm, Objective
from clamr_select.training.prepared import collate, prepare
from clamr_select.training.presets import nano_arguments
from clamr_select.training.trainer import ClamrTrainer

from .rows import keyed_batch

OBJECTIVE = Objective(terms=(LossTerm("infonce", "token_max"),), temperature=0.05)


class Rows(Dataset[int]):
    """Row numbers; their collator makes the batch."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> int:
        return index


def collate_rows(rows, *, processor):
    return {"batch": prepare(keyed_batch(list(rows)), processor=processor, documents_per_group=2)}


def make_trainer(directory, retriever, processor, *, train=None, evaluate=None, callbacks=(), run=None, **options):
    defaults = {"use_cpu": True, "disable_tqdm": True, "logging_steps": 1, "learning_rate": 1e-2, "max_steps": 6}
    return ClamrTrainer(
        ContrastiveModel(retriever, objective=OBJECTIVE),
        args=training_arguments(directory, **{**defaults, "per_device_train_batch_size": 4, **options}),
        processor=processor,
        data_collator=partial(collate_rows, processor=processor),
        train_dataset=Rows() if train is None else train,
        eval_dataset=evaluate,
        callbacks=callbacks,
        run=run,
    )


def curve(trainer: ClamrTrainer) -> list[tuple[float, float, float]]:
    logs = [entry for entry in trainer.state.log_history if "loss" in entry]
    return [(entry["step"], entry["loss"], entry["temperature"]) for entry in logs]


def test_training_lowers_the_loss_and_its_checkpoint_loads_for_inference(tmp_path, make_retriever, processor):
    trainer = make_trainer(tmp_path, make_retriever(), processor, max_steps=24, save_steps=24, learning_rate=2e-3)
    trainer.train_from_newest()
    losses = [loss for _, loss, _ in curve(trainer)]
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])
    checkpoint = tmp_path / "checkpoint-24"
    names = {path.name for path in checkpoint.iterdir()}
    assert {"model.safetensors", "temperature.safetensors", "optimizer.safetensors", "tokenizer.json"} <= names
    assert not any(name.endswith((".bin", ".pt", ".pth")) for name in names)
    loaded, _ = load(str(checkpoint))
    for (name, one), other in zip(
        trainer.contrastive_model.retriever.named_parameters(), loaded.parameters(), strict=True
    ):
        assert torch.equal(one, other), name
    assert json.loads((checkpoint / "objective.json").read_text())["temperature"] == 0.05


@pytest.mark.parametrize("interval", [1, 3])
def test_a_resumed_run_has_the_same_curve_and_weights(tmp_path, make_retriever, processor, interval):
    """Two epochs of three steps in a random order, checkpoints between log lines and in the second epoch."""
    options = {"save_steps": 2, "save_total_limit": 9, "logging_steps": interval}
    straight = make_trainer(tmp_path / "straight", make_retriever(), processor, **options)
    straight.train_from_newest()
    for step in (2, 4):
        directory = tmp_path / f"resumed-{step}"
        directory.mkdir()
        (tmp_path / "straight" / f"checkpoint-{step}").rename(directory / f"checkpoint-{step}")
        resumed = make_trainer(directory, make_retriever(), processor, **options)
        torch.manual_seed(99)
        resumed.train_from_newest()
        assert curve(resumed) == curve(straight)
        for (name, one), other in zip(straight.model.named_parameters(), resumed.model.parameters(), strict=True):
            assert torch.equal(one, other), name


def test_evaluation_stops_early_and_keeps_the_best(tmp_path, make_retriever, processor):
    """With a rate of nothing, nDCG@10 never rises after the first evaluation."""
    trainer = make_trainer(
        tmp_path,
        make_retriever(),
        processor,
        evaluate=Rows(),
        callbacks=[early_stopping(patience=2)],
        max_steps=20,
        learning_rate=1e-30,
        per_device_eval_batch_size=5,
        **early_stopping_options(evaluate_every=1),
    )
    trainer.train_from_newest()
    assert trainer.state.global_step == 3
    assert trainer.state.best_model_checkpoint == str(tmp_path / "checkpoint-1")
    evaluated = [entry for entry in trainer.state.log_history if "eval_ndcg@10" in entry]
    assert len(evaluated) == 3
    assert evaluated[0]["eval_num_queries"] == 11  # two rows ask one question of one video
    assert trainer.evaluate()["eval_ndcg@10"] == evaluated[0]["eval_ndcg@10"]
    assert not trainer.model.training


def test_patience_counts_on_and_a_run_that_it_ended_stays_ended(tmp_path, make_retriever, processor):
    def make(*, max_steps: int, learning_rate: float = 1e-30):
        return make_trainer(
            tmp_path,
            make_retriever(),
            processor,
            evaluate=Rows(),
            callbacks=[early_stopping(patience=3)],
            max_steps=max_steps,
            learning_rate=learning_rate,
            per_device_eval_batch_size=12,
            **early_stopping_options(evaluate_every=1),
        )

    make(max_steps=3).train_from_newest()  # the second and the third were no better
    resumed = make(max_steps=20)
    resumed.train_from_newest()
    assert resumed.state.global_step == 4

    again = make(max_steps=20)
    again.contrastive_model.retriever.embedding_proj_layer.bias.data += 1
    again.train_from_newest()
    assert again.state.global_step == 4
    assert [path.name for path in sorted(tmp_path.glob("checkpoint-*"))] == ["checkpoint-1", "checkpoint-4"]
    bias = resumed.contrastive_model.retriever.embedding_proj_layer.bias
    assert torch.equal(again.contrastive_model.retriever.embedding_proj_layer.bias, bias)


def test_more_patience_goes_on_and_a_folder_may_be_moved(tmp_path, make_retriever, processor):
    def make(directory, *, patience: int):
        return make_trainer(
            directory,
            make_retriever(),
            processor,
            evaluate=Rows(),
            callbacks=[early_stopping(patience=patience)],
            max_steps=20,
            learning_rate=1e-30,
            per_device_eval_batch_size=12,
            **early_stopping_options(evaluate_every=1),
        )

    make(tmp_path / "here", patience=2).train_from_newest()  # the second and the third were no better
    (tmp_path / "here").rename(tmp_path / "there")
    resumed = make(tmp_path / "there", patience=4)
    resumed.train_from_newest()

    assert resumed.state.global_step == 5
    assert resumed.state.best_model_checkpoint == str(tmp_path / "there" / "checkpoint-1")
    assert {path.name for path in (tmp_path / "there").glob("checkpoint-*")} == {"checkpoint-1", "checkpoint-5"}
    shutil.rmtree(tmp_path / "there" / "checkpoint-1")
    with pytest.raises(CheckpointError, match="checkpoint-1, the best of the run so far, is gone; put it back"):
        make(tmp_path / "there", patience=9).train_from_newest()


def test_the_card_is_of_the_weights_that_are_kept(tmp_path, make_retriever, processor):
    trainer = make_trainer(
        tmp_path,
        make_retriever(),
        processor,
        evaluate=Rows(),
        max_steps=4,
        per_device_eval_batch_size=12,
        **early_stopping_options(evaluate_every=1),
    )
    trainer.train_from_newest()
    history = trainer.state.log_history
    best = trainer.state.best_global_step
    logged = {entry["step"]: entry for entry in history if "eval_ndcg@10" in entry}
    trainer.state.log_history = [
        {**entry, "eval_ndcg@10": 0.0, "temperature": 9.0} if entry["step"] > best else entry for entry in history
    ]
    facts = trainer.card_facts()
    assert facts.metrics["ndcg@10"] == logged[best]["eval_ndcg@10"]
    assert facts.recipe["steps"] == f"{best} of 4"
    assert "9.0000" not in str(facts.recipe["temperature"])


def test_the_pool_of_an_evaluation_does_not_depend_on_its_batches(tmp_path, make_retriever, processor):
    metrics = []
    for size in (12, 5, 1):
        trainer = make_trainer(tmp_path, make_retriever(), processor, evaluate=Rows(), per_device_eval_batch_size=size)
        values = trainer.evaluate()
        metrics.append([values[name] for name in ("eval_ndcg@10", "eval_recall@1", "eval_num_queries")])
    assert metrics[0] == metrics[1] == metrics[2]


def test_whole_batches_and_the_nano_recipe(tmp_path, make_retriever, processor, batch):
    batches: list[TrainingBatch] = [batch] * 8
    args = nano_arguments(
        tmp_path,
        num_steps=8,
        use_cpu=True,
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_prefetch_factor=None,
    )
    trainer = ClamrTrainer(
        ContrastiveModel(make_retriever()),
        args=args,
        processor=processor,
        data_collator=partial(collate, processor=processor),
        train_dataset=batches,
    )
    trainer.train_from_newest()
    assert trainer.state.global_step == 8
    assert trainer.lr_scheduler.get_last_lr()[0] < 1e-4
    decayed, others = trainer.optimizer.param_groups
    assert (decayed["weight_decay"], others["weight_decay"], others["betas"][1]) == (0.01, 0.0, 0.98)
    assert all(parameter.ndim >= 2 for parameter in decayed["params"])
    assert any(parameter is trainer.model.log_temperature for parameter in others["params"])


def test_processes_that_do_not_know_of_each_other_are_refused(tmp_path, make_retriever, processor, monkeypatch):
    args = training_arguments(tmp_path)
    assert args.world_size == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="2 processes were started"):
        ClamrTrainer(ContrastiveModel(make_retriever()), args=args, processor=processor, data_collator=collate)


def test_arguments_that_lose_data_are_refused(tmp_path, make_retriever, processor):
    for options in ({"remove_unused_columns": True}, {"logging_nan_inf_filter": True}):
        with pytest.raises(InputError, match="training_arguments"):
            make_trainer(tmp_path, make_retriever(), processor, **options)
    with pytest.raises(InputError, match="eval_dataset"):
        make_trainer(tmp_path, make_retriever(), processor, eval_strategy="steps")


def test_another_runs_checkpoint_is_not_resumed(tmp_path, make_retriever, processor):
    make_trainer(tmp_path, make_retriever(), processor, max_steps=2, save_steps=2).train_from_newest()
    # longer is the same run
    make_trainer(tmp_path, make_retriever(), processor, max_steps=3, save_steps=3).train_from_newest()
    other = make_trainer(tmp_path, make_retriever(), processor, max_steps=6, seed=7)
    with pytest.raises(CheckpointError, match="seed was 42, now 7"):
        other.train_from_newest()
    for options, said in (
        ({"learning_rate": 1e-3}, "learning rate was 0.01, now 0.001"),
        ({"optim": "adafactor"}, "optimizer was adamw_torch.*, now adafactor"),
        ({"gradient_accumulation_steps": 2}, "gradient accumulation was 1, now 2"),
        ({"run": {"system": "video"}}, "system was None, now video"),
    ):
        other = make_trainer(tmp_path, make_retriever(), processor, max_steps=6, **options)
        with pytest.raises(CheckpointError, match=said):
            other.train_from_newest()
    run = tmp_path / "checkpoint-3" / "run.json"
    run.write_text("[]")
    with pytest.raises(CheckpointError, match="another run"):
        make_trainer(tmp_path, make_retriever(), processor, max_steps=6).train_from_newest()
    run.write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        make_trainer(tmp_path, make_retriever(), processor, max_steps=6).train_from_newest()
    run.unlink()  # as an earlier version wrote it
    make_trainer(tmp_path, make_retriever(), processor, max_steps=4).train_from_newest()


@pytest.mark.parametrize(
    "name", ["optimizer.json", "optimizer.safetensors", "scheduler.json", "random_state_0.safetensors"]
)
def test_a_checkpoint_that_lacks_a_state_is_not_resumed(tmp_path, make_retriever, processor, name):
    make_trainer(tmp_path, make_retriever(), processor, max_steps=1, save_steps=1).train_from_newest()
    (tmp_path / "checkpoint-1" / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        make_trainer(tmp_path, make_retriever(), processor, max_steps=2, save_steps=1).train_from_newest()
