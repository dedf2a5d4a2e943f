"""``clamr-select train --preset paper``: any backbone, whole or by LoRA, on rows of videos."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select.cli.train_options import callbacks, common_options, max_tokens, pairs
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.model import ClamrProcessor
    from clamr_select.training.contrastive_model import ContrastiveModel
    from clamr_select.training.data.index import RowIndex
    from clamr_select.training.data.plan import BatchPlan
    from clamr_select.training.objective import Objective
    from clamr_select.training.starting import Lora, StartingPoint

logger = logging.getLogger(__name__)

SEED = 42
NUM_FRAMES = 10
BAD_ROWS = "bad_rows.jsonl"
TRAINED_PARAMETERS = "trained_parameters.txt"


def run_rows(arguments: argparse.Namespace) -> int:
    from clamr_select.training.contrastive_model import ContrastiveModel
    from clamr_select.training.prepared import collate
    from clamr_select.training.trainer import ClamrTrainer

    check(arguments)
    starting, goal, options = starting_point(arguments), objective(arguments), training_options(arguments)
    index = open_rows(arguments, arguments.data, split=arguments.row_split, queries=arguments.queries)
    validation = (
        None
        if arguments.validation is None
        else open_rows(
            arguments,
            arguments.validation,
            split=arguments.validation_split,
            queries=arguments.validation_queries,
        )
    )
    # before TrainingArguments: DeepSpeed's, once made, would have every model built in pieces
    model, processor = starting.build()
    args = arguments_of(arguments, options)
    is_main = args.process_index == 0
    sharded = arguments.fsdp is not None or arguments.deepspeed is not None
    if not is_main:
        logging.getLogger("clamr_select").setLevel(logging.WARNING)
    train = batches(arguments, index, arguments.data, processor=processor, args=args)
    trainer = ClamrTrainer(
        ContrastiveModel(model, objective=goal, cache_gradients=arguments.cache_gradients),
        args=args,
        processor=processor,
        data_collator=partial(collate, processor=processor, sharded=sharded),
        train_dataset=train,
        eval_dataset=None if validation is None else validation_batches(arguments, validation, processor=processor),
        optimizer="muon" if arguments.optimizer == "muon" else "adamw",
        callbacks=callbacks(arguments),
        data=described(arguments, index),
        metrics_on="" if arguments.validation is None else arguments.validation.name,
        run=_identity(arguments, index, processor=processor),
    )
    _log_start(trainer, index)
    if is_main:
        write_trained_parameters(trainer.contrastive_model, arguments.output / TRAINED_PARAMETERS)
        keep_bad_rows(arguments, [index] if validation is None else [index, validation])
    trainer.train_from_newest()
    write_result(trainer, arguments.output / "model")
    return 0


def check(arguments: argparse.Namespace) -> None:
    """Raises InputError for what is missing or cannot go together."""
    if arguments.model is None or arguments.data is None:
        raise InputError("--preset paper needs --model (a backbone or a checkpoint) and --data (rows)")
    if (arguments.validation is None) != (arguments.evaluate_every is None):
        raise InputError("--validation and --evaluate-every belong together: what to measure on, and how often")
    for name in ("validation_queries", "validation_split"):
        if getattr(arguments, name) is not None and arguments.validation is None:
            raise InputError(f"--{name.replace('_', '-')} is about the rows of --validation; give them")
    if arguments.num_steps is not None and arguments.num_epochs is not None:
        raise InputError("--num-steps and --num-epochs both say when to stop; give one")
    lora = [name for name in ("lora_rank", "lora_alpha", "lora_dropout") if getattr(arguments, name) is not None]
    if arguments.full and lora:
        raise InputError(f"--{lora[0].replace('_', '-')} is about LoRA layers, and --full trains none")
    if arguments.quantization is not None and (arguments.fsdp or arguments.deepspeed):
        raise InputError("--quantization does not go with --fsdp or --deepspeed, which shard weights in floats")
    teacher = any(text.startswith("distill") for text in arguments.loss or ())
    if teacher != (arguments.teacher_scores is not None):
        raise InputError("--teacher-scores and a loss distill_kl or distill_margin belong together")
    if arguments.optimizer == "muon" and not arguments.full:
        raise InputError("muon steps whole weight matrices, and LoRA trains factors of them; give another, or --full")
    if arguments.on_bad_row != "skip" and arguments.bad_rows is not None:
        raise InputError("--bad-rows keeps what --on-bad-row skip leaves out; give both")


def starting_point(arguments: argparse.Namespace) -> StartingPoint:
    import torch

    from clamr_select.training.starting import StartingPoint

    # FSDP and DeepSpeed shard weights of one kind, and compute in bfloat16 by themselves
    whole = arguments.bf16 is False or arguments.fsdp is not None or arguments.deepspeed is not None
    return StartingPoint(
        arguments.model,
        base=arguments.base,
        new_projection=arguments.new_projection,
        lora=None if arguments.full else _lora(arguments),
        quantization=arguments.quantization,
        freeze_vision=arguments.freeze_vision,
        gradient_checkpointing=arguments.gradient_checkpointing,
        dtype=torch.float32 if whole else torch.bfloat16,
        seed=_seed(arguments),
    )


def _lora(arguments: argparse.Namespace) -> Lora:
    from clamr_select.training.starting import Lora

    given = {name: getattr(arguments, f"lora_{name}") for name in ("rank", "alpha", "dropout")}
    if given["alpha"] is None:
        given["alpha"] = given["rank"]  # as in the paper, where both are 128: an update of scale 1
    return Lora(**{name: value for name, value in given.items() if value is not None})


def objective(arguments: argparse.Namespace) -> Objective:
    """The paper's, or what the command line says."""
    from clamr_select.training.objective import LossTerm, Objective
    from clamr_select.training.presets import PAPER_OBJECTIVE

    (paper,) = PAPER_OBJECTIVE.terms
    similarity: Any = paper.similarity if arguments.similarity is None else arguments.similarity
    weighted = [text if "=" in text else f"{text}=1" for text in arguments.loss or (paper.loss,)]
    losses: dict[Any, float] = pairs(weighted, flag="--loss", kind=float)
    by_modality = all(name in ("hard_positive", "hard_negative") for name in losses)
    if by_modality and arguments.similarity is not None:
        raise InputError("hard_positive and hard_negative look at modalities one by one; --similarity changes nothing")
    return Objective(
        terms=tuple(LossTerm(name, similarity, "documents", weight) for name, weight in losses.items()),
        temperature=PAPER_OBJECTIVE.temperature if arguments.temperature is None else arguments.temperature,
        learnable_temperature=not arguments.fixed_temperature,
    )


def training_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Raises InputError where the paper's optimizer cannot run here."""
    import torch

    options = common_options(arguments)
    seed = _seed(arguments)
    options |= {"seed": seed, "data_seed": seed}
    if arguments.optimizer is None and arguments.deepspeed is None and not torch.cuda.is_available():
        raise InputError(
            "the paper's optimizer, paged_adamw_8bit, needs a GPU and the extra 'quantization'; give --optimizer adamw"
        )
    if arguments.deepspeed is not None and arguments.optimizer is None:
        options["optim"] = "adamw_torch"  # its settings file names the optimizer
    elif arguments.optimizer in ("adamw", "muon"):
        options["optim"] = "adamw_torch"
    elif arguments.optimizer is not None:
        options["optim"] = _checked_optimizer(arguments.optimizer)
    if arguments.gradient_accumulation is not None:
        options["gradient_accumulation_steps"] = arguments.gradient_accumulation
    if arguments.num_steps is not None:
        options["max_steps"] = arguments.num_steps
    sharded = options.get("fsdp_config", {})
    if arguments.gradient_checkpointing and sharded.get("activation_checkpointing"):
        raise InputError("the settings of --fsdp checkpoint activations already; leave --gradient-checkpointing out")
    return options


def _checked_optimizer(name: str) -> str:
    from transformers.training_args import OptimizerNames

    from clamr_select.errors import unknown_name

    allowed = [each.value for each in OptimizerNames]
    if name not in allowed:
        raise unknown_name("optimizer", name, ["muon", "adamw", *allowed])
    return name


def arguments_of(arguments: argparse.Namespace, options: dict[str, Any]) -> Any:
    from clamr_select.training.presets import paper_arguments

    return paper_arguments(arguments.output, **options)


def open_rows(arguments: argparse.Namespace, path: Path, *, split: str | None, queries: Path | None) -> RowIndex:
    from clamr_select.training.data.opening import open_index
    from clamr_select.training.data.report import check_on_bad_row

    on_bad_row: Any = arguments.on_bad_row or "error"
    check_on_bad_row(on_bad_row)
    return open_index(path, split=split, queries=queries, on_bad_row=on_bad_row)


def batches(arguments: argparse.Namespace, index: RowIndex, path: Path, *, processor: ClamrProcessor, args: Any) -> Any:
    """Training batches: as many epochs, or with ``--num-steps`` as many batches, as the run needs."""
    from torch.utils.data import Subset

    from clamr_select.training.data.plan import BatchPlan
    from clamr_select.training.teacher import TaughtBatches, read_teacher_scores

    size = _batch_size(arguments)
    num_epochs = 1 if arguments.num_epochs is None else arguments.num_epochs
    wanted = None
    if arguments.num_steps is not None:
        wanted = arguments.num_steps * args.world_size * args.gradient_accumulation_steps
        plan = BatchPlan(index.video_ids, batch_size=size, num_processes=args.world_size)
        num_epochs = -(-wanted // plan.batches_per_epoch)
    rows = _rows(
        arguments,
        index,
        path,
        processor=processor,
        batch_size=size,
        num_epochs=num_epochs,
        num_processes=args.world_size,
        modality_dropout=pairs(arguments.modality_dropout, flag="--modality-dropout", kind=float),
    )
    if args.process_index == 0:
        _warn_of_steps_of_one_video(rows.plan, num_processes=args.world_size)
    # with batches beyond the last step, a run that is finished would make one more each time it is started again
    needed = rows if wanted is None else Subset(rows, range(wanted))
    if arguments.teacher_scores is None:
        return needed
    asked = [(query, index.video_ids[at]) for at in range(len(index)) for query in index[at].queries]
    taught = TaughtBatches(needed, scores=read_teacher_scores(arguments.teacher_scores), asked=asked)
    logger.info("the teacher has scored %d of %d questions with their videos", taught.num_taught, len(asked))
    return taught


def _warn_of_steps_of_one_video(plan: BatchPlan, *, num_processes: int) -> None:
    found = plan.steps_of_one_video()
    if found:
        logger.warning(
            "%d of the first epoch's %d steps hold rows of one video alone, which have nothing to be told from and "
            "teach nothing; give its questions as one row's list, other videos more rows, or a larger --batch-size",
            found,
            plan.batches_per_epoch // num_processes,
        )


def validation_batches(arguments: argparse.Namespace, index: RowIndex, *, processor: ClamrProcessor) -> Any:
    size = _batch_size(arguments)
    return _rows(arguments, index, arguments.validation, processor=processor, batch_size=size, stand_ins=False)


def _rows(
    arguments: argparse.Namespace, index: RowIndex, path: Path, *, processor: ClamrProcessor, **options: Any
) -> Any:
    from clamr_select.training.data.budgets import TextBudgets
    from clamr_select.training.data.dataset import RowBatches
    from clamr_select.training.data.opening import open_loader

    loader = open_loader(
        path,
        frames_dir=arguments.frames_dir,
        video_dir=arguments.video_dir,
        num_frames=_num_frames(arguments),
    )
    return RowBatches(
        index,
        loader=loader,
        seed=_seed(arguments),
        budgets=TextBudgets(processor, max_tokens=max_tokens(arguments.max_tokens, processor=processor)),
        on_bad_row=arguments.on_bad_row or "error",
        bad_row_log=_bad_rows_file(arguments),
        **options,
    )


def _batch_size(arguments: argparse.Namespace) -> int:
    from clamr_select.training.presets import ROWS_PER_PROCESS

    return ROWS_PER_PROCESS if arguments.batch_size is None else arguments.batch_size


def _identity(arguments: argparse.Namespace, index: RowIndex, *, processor: ClamrProcessor) -> dict[str, Any]:
    """What makes the run another than those of other data, other documents of it, or other layers."""
    return {
        "rows": f"{len(index)}, {index.digest}",
        "batch size": _batch_size(arguments),
        "frames": _num_frames(arguments),
        "max tokens": max_tokens(arguments.max_tokens, processor=processor),
        "modality dropout": pairs(arguments.modality_dropout, flag="--modality-dropout", kind=float),
        "LoRA": None if arguments.full else asdict(_lora(arguments)),
    }


def _num_frames(arguments: argparse.Namespace) -> int:
    return NUM_FRAMES if arguments.num_frames is None else arguments.num_frames


def write_trained_parameters(model: ContrastiveModel, path: Path) -> None:
    """The names of exactly what will train, one a line."""
    from clamr_select.training.adapters import trainable_parameters

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}\n" for name in trainable_parameters(model)), encoding="utf-8")


def described(arguments: argparse.Namespace, index: RowIndex) -> Any:
    """The data, for the model card."""
    from clamr_select.training.model_card import TrainingData

    counts = {"rows": len(index), "videos": len(set(index.video_ids)), "bad rows left out": len(index.bad_rows)}
    return TrainingData(arguments.data.name, counts=counts)


def write_result(trainer: Any, directory: Path) -> None:
    """The adapter, or the whole model, as it came out: what ``from_pretrained`` takes."""
    trainer.save_model(str(directory))  # every process has a part of a sharded model
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        logger.info("wrote %s", directory)


def keep_bad_rows(arguments: argparse.Namespace, indexes: Sequence[RowIndex]) -> None:
    """Says how many rows were bad at the start, and keeps them in the file of those that come up later."""
    from clamr_select.training.data.report import BadRowLog, summary

    log = BadRowLog(_bad_rows_file(arguments))
    for index in indexes:
        if not index.bad_rows:
            continue
        logger.warning("left out: %s", summary(index.bad_rows, num_rows=index.num_read))
        known = set(log.read())  # a run that goes on finds what it wrote before
        for bad in index.bad_rows:
            if bad not in known:
                log.add(bad)


def _bad_rows_file(arguments: argparse.Namespace) -> Path:
    return arguments.bad_rows or arguments.output / BAD_ROWS


def _log_start(trainer: Any, index: RowIndex) -> None:
    from clamr_select.training.run_card import count_parameters

    total, trained = count_parameters(trainer.contrastive_model)
    logger.info("%d of %d parameters train, on %d rows", trained, total, len(index))


def _seed(arguments: argparse.Namespace) -> int:
    return SEED if arguments.seed is None else arguments.seed
