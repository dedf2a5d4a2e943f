"""The trainer: transformers' own, with contrastive batches, retrieval metrics and atomic checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import ExportableState
from transformers.trainer_utils import rotate_checkpoints

from clamr_select.errors import CheckpointError, InputError
from clamr_select.model import ClamrProcessor
from clamr_select.training.arguments import check_arguments
from clamr_select.training.checkpoints import (
    atomic_directory,
    check_resumable,
    checkpoint_path,
    load_optimizer,
    load_random_state,
    newest_checkpoint,
    save_optimizer,
    save_random_state,
)
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.distributed import from_main, num_processes, process_index, to_main_in_turn
from clamr_select.training.evaluation import EncodedBatch, retrieval_metrics
from clamr_select.training.model_card import CardFacts, TrainingData, write_model_card
from clamr_select.training.optimizers import OptimizerName, check_optimizer, muon_with_adamw
from clamr_select.training.prepared import PreparedBatch
from clamr_select.training.run_card import count_parameters, name_of_optimizer, run_facts
from clamr_select.training.same_run import check_same_run, frozen_weights, write_run
from clamr_select.training.scores import Score, check_score
from clamr_select.training.weights import load_weights, save_weights

STATE_FILE, SCHEDULER_FILE, ARGUMENTS_FILE = "trainer_state.json", "scheduler.json", "training_args.json"


class _LogAtSave(TrainerCallback):
    """A checkpoint never falls between two log lines, so that the curve after a resume is the same."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        control.should_log = control.should_log or control.should_save
        return control


class _BestIsHere(TrainerCallback):
    """transformers forgets the best checkpoint of a run that goes on where its path is spelled otherwise now."""

    def __init__(self, best: str) -> None:
        self.best = best

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        state.best_model_checkpoint = self.best


class ClamrTrainer(Trainer):
    """Trains a :class:`ContrastiveModel` on data whose collator makes ``{"batch": PreparedBatch}``.

    Args:
        model: what to train.
        args: from :func:`clamr_select.training.arguments.training_arguments`.
        processor: saved with every checkpoint.
        eval_dataset: collated as the training data; gives ``eval_ndcg@10`` and more
            (:func:`clamr_select.training.evaluation.retrieval_metrics`).
        similarity: of the evaluation; ``token_max`` is the paper's for inference.
        optimizer: ``adamw`` is the one that ``args`` describe; ``muon`` takes its place on matrices, with the same
            learning rate (:mod:`clamr_select.training.optimizers`).
        data, metrics_on: what is trained and evaluated on, for the model card of every checkpoint.
        run: what else makes this run another than those of other data or settings, ready for JSON; a checkpoint with
            other values is not resumed.

    Raises:
        InputError: arguments that would drop columns, hide a loss that is not finite, or evaluate nothing; FSDP
            where accelerate does not shard; ``muon`` with sharded parameters, which are no matrices any more.
        UnknownNameError: there is no such similarity or optimizer.
    """

    def __init__(
        self,
        model: ContrastiveModel,
        *,
        args: TrainingArguments,
        processor: ClamrProcessor,
        data_collator: Any,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        similarity: Score = "token_max",
        optimizer: OptimizerName = "adamw",
        callbacks: Sequence[TrainerCallback] = (),
        data: TrainingData | None = None,
        metrics_on: str = "",
        run: Mapping[str, Any] | None = None,
    ) -> None:
        check_score(similarity)
        check_optimizer(optimizer)
        check_arguments(args, optimizer=optimizer)
        if args.eval_strategy != "no" and eval_dataset is None:
            raise InputError(f"eval_strategy is {args.eval_strategy!r} and there is no eval_dataset; give one, or 'no'")
        self.similarity = similarity
        self.optimizer_name = optimizer
        self.processor = processor
        self.directory = Path(str(args.output_dir))
        self._data, self._metrics_on = data, metrics_on
        self._given_run = dict(run or {})
        self._best_step: int | None = None
        self._parameter_counts = count_parameters(model)
        self._frozen_weights = frozen_weights(model)
        # kept as they are: FSDP flattens parameters, and then their shape says nothing
        self._decayed = {name for name, parameter in model.named_parameters() if parameter.ndim >= 2}
        super().__init__(
            model=model,
            args=args,
            data_collator=data_collator,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processor,
            callbacks=[_LogAtSave(), *callbacks],
        )

    def train_from_newest(self) -> None:
        """Train to the end, from the newest checkpoint in the output directory where there is one.

        Raises:
            CheckpointError: another run's checkpoint, one that lacks a part, or the best of the run is gone.
        """
        found = newest_checkpoint(self.directory)
        if found is None:
            self.train()
            return
        check_same_run(self._run(), directory=found)
        if (found / STATE_FILE).is_file():
            state = TrainerState.load_from_json(str(found / STATE_FILE))
            best = self._best_checkpoint(state)
            if self._stopped_early(state):
                self.state = state
                self.state.best_model_checkpoint = best
                self._load_best_model()
                return
            if best is not None:
                self.add_callback(_BestIsHere(best))
        self.train(resume_from_checkpoint=str(found))

    def _best_checkpoint(self, state: TrainerState) -> str | None:
        """Where the best checkpoint of a run lies now: in its folder, which may have moved or be spelled otherwise."""
        if state.best_model_checkpoint is None:
            return None
        path = self.directory / Path(state.best_model_checkpoint).name
        if self.args.load_best_model_at_end and not path.is_dir():
            raise CheckpointError(
                f"{path}, the best of the run so far, is gone; put it back, or start over in another folder"
            )
        return str(path)

    def _stopped_early(self, state: TrainerState) -> bool:
        """Whether the run ended there for want of patience."""
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:  # a best model can be loaded once it is sharded
            return False
        states: Any = state.stateful_callbacks
        kept = states.get(EarlyStoppingCallback.__name__, {})
        waited = kept.get("attributes", {}).get("early_stopping_patience_counter", 0)
        return any(waited >= each.early_stopping_patience for each in self._early_stopping())

    def _early_stopping(self) -> list[EarlyStoppingCallback]:
        return [each for each in self.callback_handler.callbacks if isinstance(each, EarlyStoppingCallback)]

    def _load_callback_state(self) -> None:
        """How long was waited is the checkpoint's, how long may be waited is this run's."""
        patience = [each.early_stopping_patience for each in self._early_stopping()]
        super()._load_callback_state()
        for each, given in zip(self._early_stopping(), patience, strict=True):
            each.early_stopping_patience = given

    @property
    def contrastive_model(self) -> ContrastiveModel:
        return self.accelerator.unwrap_model(self.model)

    def get_decay_parameter_names(self, model: torch.nn.Module) -> list[str]:
        """Matrices decay; norms, biases and the temperature do not."""
        wrappers = ("_fsdp_wrapped_module.", "module.")
        names = [name for name, _ in model.named_parameters()]
        return [name for name in names if _without(name, wrappers) in self._decayed]

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer_name == "adamw" or self.optimizer is not None:
            return super().create_optimizer(model)
        trained: Any = self.model if model is None else model
        self.optimizer = muon_with_adamw(
            trained,
            decayed=set(self.get_decay_parameter_names(trained)),
            lr=self.args.learning_rate,
            weight_decay=self.args.weight_decay,
            betas=(self.args.adam_beta1, self.args.adam_beta2),
            eps=self.args.adam_epsilon,
        )
        return self.optimizer

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs = {**logs, **self.contrastive_model.pop_statistics()}
        super().log(logs, start_time)

    # ---- evaluation

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Retrieval metrics, each with the prefix; the processes share the encoding."""
        started = time.monotonic()
        dataset: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        encoded = self._encode_share(dataset)
        own = None
        if encoded is not None:
            own = retrieval_metrics(encoded, similarity=self.similarity, device=self.args.device)
        values = from_main(own) or {}  # everywhere: all processes decide alike when to stop
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in values.items()}
        metrics[f"{metric_key_prefix}_seconds"] = round(time.monotonic() - started, 3)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _encode_share(self, dataset: Dataset[Any]) -> list[EncodedBatch] | None:
        """Encode every n-th batch here; all of them come together in the main process, None elsewhere."""
        size, processes = self.args.per_device_eval_batch_size, num_processes()
        starts = list(range(0, len(dataset), size))  # type: ignore[arg-type]
        rounds = -(-len(starts) // processes)
        # a process without a batch of its own repeats the first one: sharded models run in step
        mine = [starts[n] if n < len(starts) else 0 for n in range(process_index(), rounds * processes, processes)]
        loader = DataLoader(
            dataset,
            batch_sampler=[list(range(start, min(start + size, len(dataset)))) for start in mine],  # type: ignore[arg-type]
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
        )
        model = self.model_wrapped
        model.eval()
        encoded = []
        with torch.no_grad(), self.compute_loss_context_manager():
            for inputs in loader:
                batch: PreparedBatch = inputs["batch"]
                output = model(batch=batch, encode_only=True)
                encoded.append(EncodedBatch.of(batch, **output))
        return to_main_in_turn(encoded, count=len(starts))

    # ---- checkpoints

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        final = checkpoint_path(self.directory, step=self.state.global_step)
        self.store_flos()
        with atomic_directory(
            final, is_main=self.is_world_process_zero(), barrier=self.accelerator.wait_for_everyone
        ) as staging:
            self.save_model(str(staging), _internal_call=True)
            if self.state.best_global_step == self.state.global_step:
                self.state.best_model_checkpoint = str(final)
            if not self.args.save_only_model:
                self._save_optimizer_and_scheduler(str(staging))
                self._save_scaler(str(staging))
                self._save_rng_state(str(staging))
            if self.args.should_save:
                self._save_state(staging)
                write_run(self._run(), directory=staging)
        if self.args.should_save:
            rotate_checkpoints(
                output_dir=str(self.directory),
                save_total_limit=self.args.save_total_limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
            )

    def _run(self) -> dict[str, Any]:
        """What a run cannot change half-way without becoming another."""
        return {
            **self._given_run,
            "frozen weights": self._frozen_weights,
            "seed": self.args.seed,
            "optimizer": name_of_optimizer(self.args, self.optimizer_name),
            "learning rate": self.args.learning_rate,
            "processes": self.args.world_size,
            "gradient accumulation": self.args.gradient_accumulation_steps,
            "similarity": self.similarity,
            "objective": asdict(self.contrastive_model.objective),
        }

    def _save_state(self, directory: Path) -> None:
        states: Any = self.state.stateful_callbacks
        for callback in [*self.callback_handler.callbacks, self.control]:
            if isinstance(callback, ExportableState):
                states[type(callback).__name__] = callback.state()
        self.state.save_to_json(str(directory / STATE_FILE))

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        directory = Path(output_dir) if output_dir is not None else self.directory
        if not self.args.should_save:
            return
        directory.mkdir(parents=True, exist_ok=True)
        save_weights(self.contrastive_model, directory=directory, state=state_dict)
        self.processor.save_pretrained(directory)
        (directory / ARGUMENTS_FILE).write_text(self.args.to_json_string(), encoding="utf-8")
        write_model_card(directory, facts=self.card_facts())

    def card_facts(self) -> CardFacts:
        """What the model card of the weights says as they are now."""
        return run_facts(
            name=self.directory.name or "clamr",
            model=self.contrastive_model,
            counts=self._parameter_counts,
            args=self.args,
            state=self.state,
            step=self.state.global_step if self._best_step is None else self._best_step,
            optimizer=self.optimizer_name,
            data=self._data,
            metrics_on=self._metrics_on,
        )

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:  # sharded: their own formats
            super()._save_optimizer_and_scheduler(output_dir)
        elif self.args.should_save:
            optimizer, scheduler = self._optimizer_and_scheduler()
            save_optimizer(optimizer.state_dict(), directory=Path(output_dir))
            text = json.dumps(scheduler.state_dict())
            (Path(output_dir) / SCHEDULER_FILE).write_text(text, encoding="utf-8")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_optimizer_and_scheduler(checkpoint)
        elif checkpoint is not None:
            optimizer, scheduler = self._optimizer_and_scheduler()
            check_resumable(Path(checkpoint) / SCHEDULER_FILE)
            optimizer.load_state_dict(load_optimizer(Path(checkpoint), device=self.args.device))
            scheduler.load_state_dict(json.loads((Path(checkpoint) / SCHEDULER_FILE).read_text("utf-8")))

    def _optimizer_and_scheduler(self) -> tuple[Any, Any]:
        if self.optimizer is None or self.lr_scheduler is None:
            raise InputError("there is no optimizer yet: checkpoints are written and read while training")
        return self.optimizer, self.lr_scheduler

    def _save_rng_state(self, output_dir: str) -> None:
        save_random_state(self._random_state_file(output_dir))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_random_state(self._random_state_file(checkpoint))

    def _random_state_file(self, directory: str) -> Path:
        return Path(directory) / f"random_state_{self.args.process_index}.safetensors"

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: torch.nn.Module | None = None) -> None:
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            load_weights(self.contrastive_model, directory=Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        self._best_step = self.state.best_global_step
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_best_model()
        elif self.state.best_model_checkpoint is not None:
            load_weights(self.contrastive_model, directory=Path(self.state.best_model_checkpoint))


def _without(name: str, parts: Sequence[str]) -> str:
    for part in parts:
        name = name.replace(part, "")
    return name
