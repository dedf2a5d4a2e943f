"""What a training run knows of itself, for the model card of its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerState, TrainingArguments

from clamr_select.training.adapters import has_lora
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.model_card import CardFacts, TrainingData
from clamr_select.training.objective import LossTerm

NOT_METRICS = ("eval_seconds", "eval_num_queries")
EVALUATION = "eval_"
UNNAMED_DATA = TrainingData("unnamed", "Whoever trained this did not say on what.")


def run_facts(
    *,
    name: str,
    model: ContrastiveModel,
    counts: tuple[int, int],
    args: TrainingArguments,
    state: TrainerState,
    step: int,
    optimizer: str,
    data: TrainingData | None,
    metrics_on: str,
) -> CardFacts:
    """The card of a checkpoint.

    Args:
        counts: parameters, and how many of them are trained, before they are sharded.
        step: that the weights are of; what was logged later is not theirs.
        optimizer: ``adamw`` stands for the one that ``args`` name.
        data: what is trained on; None says that nobody said.
        metrics_on: what is evaluated on.
    """
    config = model.retriever.config
    history = [entry for entry in state.log_history if entry.get("step", 0) <= step]
    base = getattr(config, "_name_or_path", "") or None
    return CardFacts(
        name=name,
        data=data or UNNAMED_DATA,
        recipe={
            "steps": f"{step} of {state.max_steps}",
            **_recipe(model, args=args, optimizer=optimizer),
            "temperature": _temperature(model, history),
        },
        metrics=latest_metrics(history),
        metrics_on=metrics_on,
        modalities=tuple(config.modalities),
        num_parameters=counts[0],
        num_trained_parameters=counts[1],
        base_model=None if base is None or Path(base).exists() else base,
    )


def name_of_optimizer(args: TrainingArguments, optimizer: str) -> str:
    """``adamw`` stands for the one that ``args`` name."""
    return str(getattr(args.optim, "value", args.optim)) if optimizer == "adamw" else optimizer


def count_parameters(model: ContrastiveModel) -> tuple[int, int]:
    """(all, trained) parameters of the retriever."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.retriever.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)


def latest_metrics(log_history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Of the last evaluation, without their prefix; {} before the first."""
    for entry in reversed(log_history):
        found = {
            name.removeprefix(EVALUATION): float(value)
            for name, value in entry.items()
            if name.startswith(EVALUATION) and name not in NOT_METRICS
        }
        if found:
            return found
    return {}


def _recipe(model: ContrastiveModel, *, args: TrainingArguments, optimizer: str) -> dict[str, object]:
    return {
        "loss": "; ".join(_term(term) for term in model.objective.terms),
        "items a process and step": args.per_device_train_batch_size,
        "processes": args.world_size,
        "gradient accumulation": args.gradient_accumulation_steps,
        "optimizer": name_of_optimizer(args, optimizer),
        "learning rate": args.learning_rate,
        "schedule": str(getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type)),
        "weight decay": args.weight_decay,
        "gradient norm at most": args.max_grad_norm,
        "precision": "bfloat16" if args.bf16 else "float16" if args.fp16 else "float32",
        "seed": args.seed,
        "weights trained": "LoRA" if has_lora(model.retriever) else "full",
    }


def _term(term: LossTerm) -> str:
    by_modality = term.loss in ("hard_positive", "hard_negative")
    similarity = "" if by_modality else f" over {term.similarity}"
    return f"{term.weight:g} × {term.loss}{similarity} on {term.rows}"


def _temperature(model: ContrastiveModel, history: Sequence[Mapping[str, Any]]) -> str:
    """As it was last logged: the parameter itself may be sharded."""
    start = model.objective.temperature
    if not model.objective.learnable_temperature:
        return f"{start:g}, fixed"
    logged = [entry["temperature"] for entry in history if "temperature" in entry]
    return f"learned, {start:g} at first" + (f", {logged[-1]:.4f} now" if logged else "")
