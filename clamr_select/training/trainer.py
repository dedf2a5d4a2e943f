"""Train a CLaMR on batches of documents and questions: late interaction, InfoNCE, learnable temperature."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, load_model, save_file

from clamr_select.model import ClamrForRetrieval, ClamrProcessor
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.losses import contrastive_loss
from clamr_select.training.scores import BatchScores, DocumentGroup, batch_scores, relations

logger = logging.getLogger(__name__)

NUM_GROUPS = 4
"""Forward passes a batch is split into by document length."""
STATE_FILE = "optimizer.safetensors"


@dataclass(frozen=True)
class TrainingOptions:
    num_steps: int
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    flat_share: float = 0.3
    """Share of the steps at the full rate before the cosine decay begins."""
    initial_temperature: float = 0.03
    max_gradient_norm: float = 1.0
    checkpoint_every: int = 200
    log_every: int = 20


@dataclass(frozen=True)
class PreparedBatch:
    """A batch as tensors, made away from the training loop."""

    groups: list[DocumentGroup]
    queries: Any
    frame_counts: list[int]
    frame_relations: torch.Tensor
    document_relations: torch.Tensor
    modality_matters: torch.Tensor
    """(num_queries,) bool: one modality alone answers, so ``modality_max`` can be trained on it."""
    targets: list[str]


def prepare(batch: TrainingBatch, *, processor: ClamrProcessor) -> PreparedBatch:
    queries, _ = processor.process_queries([query.text for query in batch.queries])
    frames, whole = relations(batch)
    return PreparedBatch(
        groups=_groups(batch, processor=processor),
        queries=queries,
        frame_counts=[len(document.frames) for document in batch.documents],
        frame_relations=frames,
        document_relations=whole,
        modality_matters=torch.tensor(["+" not in query.target for query in batch.queries]),
        targets=[query.target for query in batch.queries],
    )


def _groups(batch: TrainingBatch, *, processor: ClamrProcessor) -> list[DocumentGroup]:
    def size(position: int) -> tuple[int, int]:
        document = batch.documents[position]
        return len(document.frames), sum(len(segment.text) for segment in document.texts)

    ordered = sorted(range(len(batch.documents)), key=size)
    share = math.ceil(len(ordered) / NUM_GROUPS)
    groups = [ordered[start : start + share] for start in range(0, len(ordered), share)]
    return [DocumentGroup(processor.process_documents([batch.documents[i] for i in g])[0], g) for g in groups]


def total_loss(scores: BatchScores, *, batch: PreparedBatch, temperature: torch.Tensor) -> torch.Tensor:
    """Frames and documents, each by ``token_max`` (every query) and ``modality_max`` (single-modality ones)."""
    single = batch.modality_matters
    parts = [
        contrastive_loss(scores.frames_token_max / temperature, relation=batch.frame_relations),
        contrastive_loss(scores.documents_token_max / temperature, relation=batch.document_relations),
        contrastive_loss(scores.frames_modality_max[single] / temperature, relation=batch.frame_relations[single]),
        contrastive_loss(
            scores.documents_modality_max[single] / temperature, relation=batch.document_relations[single]
        ),
    ]
    weights = (1.0, 0.5, 0.5, 0.25)
    return sum((w * part for w, part in zip(weights, parts, strict=True)), start=torch.zeros(()))


def rate_factor(step: int, *, options: TrainingOptions) -> float:
    """Linear warm-up, flat, then cosine to a tenth of a percent."""
    if step < options.warmup_steps:
        return (step + 1) / options.warmup_steps
    flat_until = options.flat_share * options.num_steps
    if step < flat_until:
        return 1.0
    progress = (step - flat_until) / max(1.0, options.num_steps - flat_until)
    return max(1e-3, 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Trainer:
    """One loop, one checkpoint directory. ``train`` resumes from the newest checkpoint in it."""

    def __init__(
        self,
        model: ClamrForRetrieval,
        *,
        processor: ClamrProcessor,
        options: TrainingOptions,
        directory: Path,
    ) -> None:
        self.model = model
        self.processor = processor
        self.options = options
        self.directory = directory
        self.log_temperature = torch.nn.Parameter(torch.tensor(math.log(options.initial_temperature)))
        decayed = [p for p in model.parameters() if p.ndim >= 2]
        others = [p for p in model.parameters() if p.ndim < 2] + [self.log_temperature]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": options.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=options.learning_rate,
            betas=(0.9, 0.98),
        )
        self.step = 0

    def train(
        self,
        batches: Callable[[int], Iterator[PreparedBatch]],
        *,
        on_checkpoint: Callable[[int], None] | None = None,
    ) -> None:
        """Run to ``num_steps``.

        Args:
            batches: first step to the batches from there on, so that a resumed run sees what it would have seen.
            on_checkpoint: called with the step after each checkpoint.
        """
        self.resume()
        self.model.train()
        stream = batches(self.step)
        started, losses = time.monotonic(), []
        while self.step < self.options.num_steps:
            losses.append(self._one_step(next(stream)))
            self.step += 1
            if self.step % self.options.log_every == 0:
                self._log(sum(losses) / len(losses), started)
                losses = []
            if self.step % self.options.checkpoint_every == 0 or self.step == self.options.num_steps:
                self.save()
                if on_checkpoint is not None:
                    on_checkpoint(self.step)
                    self.model.train()

    def _one_step(self, batch: PreparedBatch) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * rate_factor(self.step, options=self.options)
        scores = batch_scores(self.model, groups=batch.groups, queries=batch.queries, frame_counts=batch.frame_counts)
        loss = total_loss(scores, batch=batch, temperature=self.log_temperature.exp())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.max_gradient_norm)
        self.optimizer.step()
        with torch.no_grad():
            self.log_temperature.clamp_(math.log(0.01), math.log(0.2))
        return float(loss.detach())

    def _log(self, loss: float, started: float) -> None:
        seconds = time.monotonic() - started
        temperature = float(self.log_temperature.detach().exp())
        logger.info("step %d loss %.4f temperature %.4f, %.0f s", self.step, loss, temperature, seconds)

    def save(self) -> None:
        """Write ``checkpoint/`` whole or not at all: a new directory, synced, then renamed."""
        fresh, current, old = (self.directory / name for name in ("checkpoint.new", "checkpoint", "checkpoint.old"))
        shutil.rmtree(fresh, ignore_errors=True)
        self.model.save_pretrained(fresh)
        self.processor.save_pretrained(fresh)
        save_file(self._state(), fresh / STATE_FILE)
        (fresh / "progress.json").write_text(json.dumps({"step": self.step}))
        for path in fresh.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        shutil.rmtree(old, ignore_errors=True)
        if current.exists():
            current.rename(old)
        fresh.rename(current)
        shutil.rmtree(old, ignore_errors=True)

    def resume(self) -> None:
        """Take up the newest whole checkpoint, if there is one."""
        current = next((p for n in ("checkpoint", "checkpoint.old") if (p := self.directory / n).exists()), None)
        if current is None:
            return
        load_model(self.model, current / "model.safetensors")
        self._load_state(load_file(current / STATE_FILE))
        self.step = json.loads((current / "progress.json").read_text())["step"]
        logger.info("resumed at step %d from %s", self.step, current)

    def _state(self) -> dict[str, torch.Tensor]:
        """The optimizer's moments by parameter position, and the temperature: tensors only, so safetensors."""
        moments = self.optimizer.state_dict()["state"]
        state = {f"{position}.{name}": value for position, entry in moments.items() for name, value in entry.items()}
        return {**state, "log_temperature": self.log_temperature.detach().clone()}

    def _load_state(self, state: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            self.log_temperature.copy_(state.pop("log_temperature"))
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in state.items():
            position, name = key.split(".", 1)
            moments.setdefault(int(position), {})[name] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
