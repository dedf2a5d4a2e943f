"""``clamr-select train --preset nano``: the embedded model and its baselines, on procedural videos."""

from __future__ import annotations

import argparse
import logging
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from clamr_select.cli.train_options import callbacks, common_options
from clamr_select.errors import InputError

if TYPE_CHECKING:
    from clamr_select.model import ClamrForRetrieval, ClamrProcessor
    from clamr_select.training.batch import TrainingBatch
    from clamr_select.training.views import View

logger = logging.getLogger(__name__)

SEED = 20_261_122
NUM_STEPS = 1900
VOCAB_SIZE = 2048
MAX_PIECE_CHARACTERS = 3
"""A word with a wrong letter keeps most of its pieces: docs/log.md."""
SYSTEM = "clamr"
TOKENIZER_BATCHES = 400
NUM_DOCUMENTS = 48
NUM_VALIDATION_BATCHES = 8
DATA_NAME = "needle, training split"
DATA_DESCRIPTION = (
    "Procedural videos of this project (`clamr_select.eval.needle`): drawn scenes, spoken and written lines, metadata, "
    "and questions about them. No picture, voice or sentence of anybody's."
)


def run_nano(arguments: argparse.Namespace) -> int:
    import torch
    from torch.utils.data import Subset

    from clamr_select.eval.needle.steps import NeedleSteps
    from clamr_select.training.contrastive_model import ContrastiveModel
    from clamr_select.training.cpu_attention import attend_in_float32
    from clamr_select.training.distributed import process_index
    from clamr_select.training.export import export
    from clamr_select.training.model_card import TrainingData, write_model_card
    from clamr_select.training.prepared import collate
    from clamr_select.training.presets import NANO_OPTIMIZER, nano_arguments, nano_objective
    from clamr_select.training.trainer import ClamrTrainer
    from clamr_select.training.views import view_of

    system = arguments.system or SYSTEM
    view, objective = view_of(system), nano_objective(system)
    seed = SEED if arguments.seed is None else arguments.seed
    torch.manual_seed(seed)
    retriever, processor = _start(arguments)
    model = ContrastiveModel(retriever, objective=objective, cache_gradients=arguments.cache_gradients)
    num_parameters = sum(parameter.numel() for parameter in retriever.parameters())
    logger.info("clamr-nano: %.2f M parameters, %d tokens", num_parameters / 1e6, len(processor.tokenizer))
    num_steps = NUM_STEPS if arguments.num_steps is None else arguments.num_steps
    args = nano_arguments(arguments.output, num_steps=num_steps, seed=seed, **common_options(arguments))
    torch.set_float32_matmul_precision("high")  # TF32 where there is any
    if args.use_cpu and args.bf16:
        attend_in_float32(retriever)
    # on a GPU, a pass over many documents takes hardly longer than one over few
    size = None if args.use_cpu else NUM_DOCUMENTS
    steps = NeedleSteps(
        processor,
        seed=seed,
        num_documents=NUM_DOCUMENTS,
        documents_per_group=size,
        num_processes=args.world_size,
        view=view,
    )
    validation = None if arguments.evaluate_every is None else validation_batches(view)
    trainer = ClamrTrainer(
        model,
        args=args,
        processor=processor,
        data_collator=partial(collate, processor=processor, view=view),
        train_dataset=Subset(steps, range(num_steps * args.world_size)),
        eval_dataset=validation,
        optimizer=arguments.optimizer or NANO_OPTIMIZER,
        similarity=view.score,
        callbacks=callbacks(arguments),
        data=TrainingData(DATA_NAME, DATA_DESCRIPTION),
        metrics_on="needle's validation split",
        run={"system": system},
    )
    trainer.train_from_newest()
    if process_index() == 0:
        export(trainer.contrastive_model.retriever, processor=processor, directory=arguments.output / "model")
        write_model_card(arguments.output / "model", facts=trainer.card_facts())
        logger.info("wrote %s", arguments.output / "model")
    return 0


def validation_batches(view: View) -> list[TrainingBatch]:
    """The same each time; each has a question that the view is trained on."""
    from clamr_select.eval.needle.batches import training_batches

    stream = training_batches(seed=SEED, vision_only_share=0.2, split="validation")
    asked = (batch for batch in stream if any(view.trains_on(query.target) for query in batch.queries))
    return list(islice(asked, NUM_VALIDATION_BATCHES))


def _start(arguments: argparse.Namespace) -> tuple[ClamrForRetrieval, ClamrProcessor]:
    """A fresh model, or the one of ``--model`` with its own vocabulary, or with a new one of ``--vocab-size`` pieces; a
    checkpoint's weights come in later."""
    from clamr_select.training.nano import nano_model
    from clamr_select.training.new_vocabulary import with_vocabulary
    from clamr_select.training.starting import StartingPoint

    if arguments.model is None:
        processor = _processor(arguments)
        return nano_model(processor.tokenizer), processor
    model, own = StartingPoint(arguments.model, lora=None).build()
    if arguments.vocab_size is None:
        return model, own
    processor = _processor(arguments)
    return with_vocabulary(model, old=own.tokenizer, new=processor.tokenizer), processor


def _processor(arguments: argparse.Namespace) -> ClamrProcessor:
    """That of the newest checkpoint, whose weights belong to its vocabulary; a new one where a run begins."""
    from clamr_select.eval.needle.lines import training_lines
    from clamr_select.model import ClamrProcessor
    from clamr_select.training.checkpoints import newest_checkpoint
    from clamr_select.training.nano import nano_processor
    from clamr_select.training.tokenizer import train_tokenizer

    found = newest_checkpoint(arguments.output)
    if found is None:
        lines = training_lines(seed=SEED, num_batches=TOKENIZER_BATCHES)
        vocab_size = arguments.vocab_size or VOCAB_SIZE
        return nano_processor(train_tokenizer(lines, vocab_size=vocab_size, max_piece_characters=MAX_PIECE_CHARACTERS))
    processor = ClamrProcessor.from_pretrained(found)
    if arguments.vocab_size not in (None, len(processor.tokenizer)):
        raise InputError(
            f"{found} has a vocabulary of {len(processor.tokenizer)}, got --vocab-size {arguments.vocab_size}; go on "
            "without the flag, or start over in another --output"
        )
    return processor
