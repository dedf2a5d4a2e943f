"""``clamr-select train --preset nano``: the embedded model and its baselines, on procedural videos."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from functools import partial
from itertools import islice

from clamr_select.cli.train_options import callbacks, common_options

logger = logging.getLogger(__name__)

SEED = 20_261_122
NUM_STEPS = 4000
VOCAB_SIZE = 8192
SYSTEM = "clamr"
TOKENIZER_BATCHES = 400
NUM_VALIDATION_BATCHES = 8


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

    system = arguments.system or SYSTEM
    view, objective = view_of(system), nano_objective(system)
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(_tokenizer_lines(), vocab_size=arguments.vocab_size or VOCAB_SIZE)
    processor = nano_processor(tokenizer)
    model = ContrastiveModel(nano_model(tokenizer), objective=objective, cache_gradients=arguments.cache_gradients)
    num_parameters = sum(parameter.numel() for parameter in model.retriever.parameters())
    logger.info("clamr-nano: %.2f M parameters, %d tokens", num_parameters / 1e6, len(tokenizer))
    num_steps = NUM_STEPS if arguments.num_steps is None else arguments.num_steps
    args = nano_arguments(arguments.output, num_steps=num_steps, **common_options(arguments))
    validation = None
    if arguments.evaluate_every is not None:
        stream = training_batches(seed=SEED, vision_only_share=0.2, split="validation")
        validation = list(islice(stream, NUM_VALIDATION_BATCHES))
    trainer = ClamrTrainer(
        model,
        args=args,
        processor=processor,
        data_collator=partial(collate, processor=processor, view=view),
        train_dataset=Subset(NeedleSteps(processor, seed=SEED, view=view), range(num_steps * args.world_size)),
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


def _tokenizer_lines() -> Iterator[str]:
    """All words of all splits once, so that no common word falls to pieces, and the text of training batches."""
    from clamr_select.eval.needle.batches import training_batches
    from clamr_select.eval.needle.vocabulary import load_words

    yield from (" " + word for word in load_words())
    for batch in islice(training_batches(seed=SEED, vision_only_share=0.2), TOKENIZER_BATCHES):
        yield from (" " + segment.text for document in batch.documents for segment in document.texts)
        yield from (query.text for query in batch.queries)
