"""``clamr-select train``: trains ``clamr-nano`` on procedural videos."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clamr_select.model import ClamrProcessor
    from clamr_select.training.trainer import PreparedBatch

logger = logging.getLogger(__name__)

SEED = 20_261_122
TOKENIZER_BATCHES = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", choices=["nano"], default="nano", help="model and data (default: nano)")
    parser.add_argument("--output", type=Path, required=True, help="directory of checkpoints; resumes from it")
    parser.add_argument("--num-steps", type=int, default=4000, help="batches of 48 documents (default: 4000)")
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--vocab-size", type=int, default=8192)
    parser.add_argument("--threads", type=int, default=None, help="CPU threads of the model (default: torch's)")


def run(arguments: argparse.Namespace) -> int:
    import torch

    from clamr_select.training.export import export
    from clamr_select.training.nano import nano_model, nano_processor, train_tokenizer
    from clamr_select.training.trainer import Trainer, TrainingOptions

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(_tokenizer_lines(), vocab_size=arguments.vocab_size)
    processor = nano_processor(tokenizer)
    model = nano_model(tokenizer)
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    logger.info("clamr-nano: %.2f M parameters, %d tokens", num_parameters / 1e6, len(tokenizer))
    trainer = Trainer(
        model,
        processor=processor,
        options=TrainingOptions(num_steps=arguments.num_steps, learning_rate=arguments.learning_rate),
        directory=arguments.output,
    )
    trainer.train(lambda step: _prepared_batches(processor, step, arguments.num_steps))
    export(model, processor=processor, directory=arguments.output / "model")
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


def _prepared_batches(processor: ClamrProcessor, first_step: int, num_steps: int) -> Iterator[PreparedBatch]:
    from torch.utils.data import DataLoader

    from clamr_select.eval.needle.steps import NeedleSteps

    steps = NeedleSteps(processor, seed=SEED)
    loader = DataLoader(steps, batch_size=None, sampler=range(first_step, num_steps), num_workers=1, prefetch_factor=6)
    yield from loader
