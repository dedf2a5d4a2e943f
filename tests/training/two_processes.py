"""Started by ``torchrun`` in ``test_processes.py``: three steps over rows with keys; writes losses and weights.

torchrun --nproc_per_node 2 two_processes.py OUTPUT BATCH_SIZE CACHE_GRADIENTS
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import torch
from rows import WORDS, keyed_batch

from clamr_select.model import ClamrForRetrieval
from clamr_select.training.arguments import training_arguments
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.nano import nano_config, nano_processor
from clamr_select.training.objective import LossTerm, Objective
from clamr_select.training.prepared import PreparedBatch, prepare
from clamr_select.training.tokenizer import train_tokenizer
from clamr_select.training.trainer import ClamrTrainer

OBJECTIVE = Objective(terms=(LossTerm(), LossTerm("hard_negative", weight=0.5), LossTerm("pairwise", "token_max")))


def collate(rows: list[int], processor: object) -> dict[str, PreparedBatch]:
    return {"batch": prepare(keyed_batch(rows), processor=processor, documents_per_group=2)}  # type: ignore[arg-type]


def main(output: str, batch_size: str, cache_gradients: str) -> None:
    processor = nano_processor(train_tokenizer([" ".join(WORDS)] * 4, vocab_size=300))
    torch.manual_seed(0)
    retriever = ClamrForRetrieval(nano_config(processor.tokenizer, hidden_size=32, num_text_layers=1))
    trainer = ClamrTrainer(
        ContrastiveModel(retriever, objective=OBJECTIVE, cache_gradients=cache_gradients == "True"),
        args=training_arguments(
            Path(output),
            disable_tqdm=True,
            logging_steps=1,
            max_steps=3,
            per_device_train_batch_size=int(batch_size),
            per_device_eval_batch_size=3,
            learning_rate=1e-3,
            save_steps=3,
        ),
        processor=processor,
        data_collator=partial(collate, processor=processor),
        train_dataset=list(range(12)),
        eval_dataset=list(range(12)),
    )
    trainer.train_from_newest()
    metrics = trainer.evaluate()
    if trainer.is_world_process_zero():
        logs = [entry for entry in trainer.state.log_history if "loss" in entry]
        result = {
            "losses": [entry["loss"] for entry in logs],
            "gradient_norms": [entry["grad_norm"] for entry in logs],
            "weights": {
                name: float(p.detach().double().sum()) for name, p in trainer.contrastive_model.named_parameters()
            },
            "ndcg": metrics["eval_ndcg@10"],
        }
        (Path(output) / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
