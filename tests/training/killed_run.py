"""A training run for ``test_killed.py``: run in a process of its own, and killed there."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import torch

from clamr_select.model import ClamrForRetrieval
from clamr_select.training.arguments import training_arguments
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.nano import nano_config, nano_processor
from clamr_select.training.objective import LossTerm, Objective
from clamr_select.training.prepared import PreparedBatch, prepare
from clamr_select.training.tokenizer import train_tokenizer
from clamr_select.training.trainer import ClamrTrainer

from .rows import WORDS, keyed_batch

NUM_STEPS = 60


def train(output: str) -> None:
    """To the end, from the newest checkpoint; then writes the curve. Dropout is on, rows come in random order."""
    torch.set_num_threads(1)
    processor = nano_processor(train_tokenizer([" ".join(WORDS)] * 4, vocab_size=300))
    torch.manual_seed(0)
    retriever = ClamrForRetrieval(nano_config(processor.tokenizer, hidden_size=32, num_text_layers=1))
    projection = retriever.embedding_proj_layer
    projection.register_forward_hook(lambda module, inputs, output: torch.nn.functional.dropout(output, 0.1))
    trainer = ClamrTrainer(
        ContrastiveModel(retriever, objective=Objective(terms=(LossTerm("infonce", "token_max"),))),
        args=training_arguments(
            Path(output),
            use_cpu=True,
            disable_tqdm=True,
            max_steps=NUM_STEPS,
            logging_steps=5,
            save_steps=3,
            per_device_train_batch_size=3,
            learning_rate=1e-3,
        ),
        processor=processor,
        data_collator=partial(collate, processor=processor),
        train_dataset=list(range(12)),
        optimizer="muon",  # with AdamW in it
    )
    trainer.train_from_newest()
    logs = [entry for entry in trainer.state.log_history if "loss" in entry]
    weights = [float(p.detach().double().sum()) for p in trainer.contrastive_model.parameters()]
    result = {"curve": [[entry["step"], entry["loss"], entry["grad_norm"]] for entry in logs], "weights": weights}
    (Path(output) / "result.json").write_text(json.dumps(result), encoding="utf-8")


def collate(rows: list[int], processor: object) -> dict[str, PreparedBatch]:
    return {"batch": prepare(keyed_batch(rows), processor=processor)}  # type: ignore[arg-type]
