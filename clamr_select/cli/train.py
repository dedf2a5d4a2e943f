"""``clamr-select train``: trains a model by a preset."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import TrainerCallback


logger = logging.getLogger(__name__)

SEED = 20_261_122
TOKENIZER_BATCHES = 400
NUM_VALIDATION_BATCHES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", choices=["nano"], default="nano", help="model, data and recipe (default: nano)")
    parser.add_argument("--output", type=Path, required=True, help="directory of checkpoints; resumes from it")
    parser.add_argument("--num-steps", type=int, default=4000, metavar="N", help="(default: 4000)")
    parser.add_argument("--learning-rate", type=float, metavar="R", help="(default: the preset's)")
    parser.add_argument(
        "--system",
        default="clamr",
        metavar="NAME",
        help="clamr (default), or a baseline with the same encoder, trained for its own score",
    )
    parser.add_argument("--optimizer", metavar="NAME", help="muon or adamw (default: the preset's)")
    parser.add_argument("--vocab-size", type=int, default=8192, metavar="N", help="of nano's tokenizer")
    parser.add_argument("--save-every", type=int, metavar="N", help="steps between checkpoints (default: the preset's)")
    parser.add_argument(
        "--evaluate-every", type=int, metavar="N", help="steps; keeps the best nDCG@10 (default: never)"
    )
    parser.add_argument("--patience", type=int, metavar="N", help="stop after N evaluations without a better nDCG@10")
    parser.add_argument("--cache-gradients", action="store_true", help="GradCache: large batches in little memory")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--report-to", default="none", metavar="NAME", help="none (default), tensorboard, wandb, …")
    parser.add_argument("--fsdp", metavar="NAME", help="fsdp (ours), or a JSON file")
    parser.add_argument("--deepspeed", metavar="NAME", help="zero2 or zero3 (ours), or a JSON file")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads of the model (default: torch's)")


def run(arguments: argparse.Namespace) -> int:
    import torch

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    return run_nano(arguments)


def run_nano(arguments: argparse.Namespace) -> int:
    import torch
    from torch.utils.data import Subset

    from clamr_select.eval.needle.batches import training_batches
    from clamr_select.eval.needle.steps import NeedleSteps
    from clamr_select.training.contrastive_model import ContrastiveModel
    from clamr_select.training.distributed import process_index
    from clamr_select.training.export import export
    from clamr_select.training.nano import nano_model, nano_processor, train_tokenizer
    from clamr_select.training.prepared import collate
    from clamr_select.training.presets import NANO_OPTIMIZER, nano_arguments, nano_objective
    from clamr_select.training.trainer import ClamrTrainer
    from clamr_select.training.views import view_of

    view, objective = view_of(arguments.system), nano_objective(arguments.system)
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(_tokenizer_lines(), vocab_size=arguments.vocab_size)
    processor = nano_processor(tokenizer)
    model = ContrastiveModel(nano_model(tokenizer), objective=objective, cache_gradients=arguments.cache_gradients)
    num_parameters = sum(parameter.numel() for parameter in model.retriever.parameters())
    logger.info("clamr-nano: %.2f M parameters, %d tokens", num_parameters / 1e6, len(tokenizer))
    options = common_options(arguments)
    if arguments.learning_rate is not None:
        options["learning_rate"] = arguments.learning_rate
    args = nano_arguments(arguments.output, num_steps=arguments.num_steps, **options)
    validation = None
    if arguments.evaluate_every is not None:
        stream = training_batches(seed=SEED, vision_only_share=0.2, split="validation")
        validation = list(islice(stream, NUM_VALIDATION_BATCHES))
    trainer = ClamrTrainer(
        model,
        args=args,
        processor=processor,
        data_collator=partial(collate, processor=processor, view=view),
        train_dataset=Subset(
            NeedleSteps(processor, seed=SEED, view=view), range(arguments.num_steps * args.world_size)
        ),
        eval_dataset=validation,
        optimizer=arguments.optimizer or NANO_OPTIMIZER,
        similarity=view.score,
        callbacks=callbacks(arguments),
    )
    trainer.train_from_newest()
    if process_index() == 0:
        export(trainer.contrastive_model.retriever, processor=processor, directory=arguments.output / "model")
        logger.info("wrote %s", arguments.output / "model")
    return 0


def common_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the command line says about any preset, as ``TrainingArguments`` take it."""
    from clamr_select.training.arguments import early_stopping_options
    from clamr_select.training.presets import DEEPSPEED_PRESETS, FSDP_PRESETS, read_settings

    options: dict[str, Any] = {
        "bf16": arguments.bf16,
        "report_to": arguments.report_to,
        "disable_tqdm": not sys.stderr.isatty(),
    }
    if arguments.save_every is not None:
        options["save_steps"] = arguments.save_every
    if arguments.evaluate_every is not None:
        options |= early_stopping_options(evaluate_every=arguments.evaluate_every)
    if arguments.fsdp is not None:
        options |= {"fsdp": True, "fsdp_config": read_settings(arguments.fsdp, presets=FSDP_PRESETS)}
    if arguments.deepspeed is not None:
        options["deepspeed"] = read_settings(arguments.deepspeed, presets=DEEPSPEED_PRESETS)
    return options


def callbacks(arguments: argparse.Namespace) -> list[TrainerCallback]:
    from clamr_select.errors import InputError
    from clamr_select.training.arguments import early_stopping

    if arguments.patience is None:
        return []
    if arguments.evaluate_every is None:
        raise InputError("--patience counts evaluations; say how often with --evaluate-every")
    return [early_stopping(patience=arguments.patience)]


def _tokenizer_lines() -> Iterator[str]:
    """All words of all splits once, so that no common word falls to pieces, and the text of training batches."""
    from clamr_select.eval.needle.batches import training_batches
    from clamr_select.eval.needle.vocabulary import load_words

    yield from (" " + word for word in load_words())
    for batch in islice(training_batches(seed=SEED, vision_only_share=0.2), TOKENIZER_BATCHES):
        yield from (" " + segment.text for document in batch.documents for segment in document.texts)
        yield from (query.text for query in batch.queries)
