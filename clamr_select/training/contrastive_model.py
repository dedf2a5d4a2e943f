"""The retriever with its objective: one module that takes a batch and returns its loss.

Being one module, it is wrapped once by DDP, FSDP or DeepSpeed, and runs forward once a step.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from clamr_select.model import ClamrForRetrieval
from clamr_select.training.distributed import gather_rows, process_index
from clamr_select.training.encoding import (
    EncodedDocuments,
    detached,
    encode_documents,
    encode_queries,
    gather_documents,
)
from clamr_select.training.labels import label_rows
from clamr_select.training.losses import gold_is_absent
from clamr_select.training.objective import Labels, Objective, Rows, average, term_losses
from clamr_select.training.prepared import PreparedBatch
from clamr_select.training.scores import QueryTokens, RowScores, score_frames_and_documents, score_rows


class ContrastiveModel(nn.Module):
    """What the trainer trains.

    Args:
        retriever: with or without LoRA layers; what is frozen stays frozen.
        objective: losses and temperature.
        cache_gradients: see :func:`clamr_select.training.encoding.encode_documents`.
    """

    accepts_loss_kwargs = False  # the trainer divides by its gradient accumulation steps
    _no_split_modules: list[str] | None = None

    def __init__(
        self, retriever: ClamrForRetrieval, *, objective: Objective | None = None, cache_gradients: bool = False
    ) -> None:
        super().__init__()
        self.retriever = retriever
        self.objective = objective or Objective()
        self.cache_gradients = cache_gradients
        # one element, not a scalar: FSDP shards no scalars
        start = torch.full((1,), math.log(self.objective.temperature))
        self.log_temperature = nn.Parameter(start, requires_grad=self.objective.learnable_temperature)
        self._without_gold_modality = 0
        self._taught = 0

    @property
    def temperature(self) -> torch.Tensor:
        """Scalar, within its bounds."""
        low, high = math.log(self.objective.min_temperature), math.log(self.objective.max_temperature)
        with torch.no_grad():
            self.log_temperature.clamp_(low, high)
        return self.log_temperature.exp()[0]

    def pop_statistics(self) -> dict[str, float]:
        """For the log, the counts since the last call and of this process: the temperature; with a hard loss, how many
        positives lacked their gold modality, or were asked for without one, and kept their best; with a distillation
        loss, how many questions or pairs had a teacher's scores to learn from."""
        statistics = {}
        if self.log_temperature.numel():  # DeepSpeed's third stage keeps the values elsewhere
            statistics["temperature"] = float(self.log_temperature.detach().exp()[0])
        if any(term.loss.startswith("hard") for term in self.objective.terms):
            statistics["without_gold_modality"] = float(self._without_gold_modality)
        if any(term.loss.startswith("distill") for term in self.objective.terms):
            statistics["taught"] = float(self._taught)
        self._without_gold_modality = self._taught = 0
        return statistics

    def forward(self, batch: PreparedBatch, encode_only: bool = False) -> dict[str, Any]:
        """
        Args:
            encode_only: for evaluation, through whatever wraps this module.

        Returns:
            ``loss``; or ``queries`` and ``documents``, detached and on the CPU.
        """
        queries = encode_queries(self.retriever, batch, cache_gradients=self.cache_gradients)
        documents = encode_documents(self.retriever, batch, cache_gradients=self.cache_gradients)
        if encode_only:
            vectors = queries.vectors.detach().float().cpu()
            flat = QueryTokens(vectors, queries.query_of_token, queries.num_queries)
            return {"queries": flat, "documents": detached(documents)}
        return {"loss": self._loss(queries, documents, batch)}

    def _loss(self, queries: QueryTokens, documents: EncodedDocuments, batch: PreparedBatch) -> torch.Tensor:
        device, temperature = queries.vectors.device, self.temperature
        keys: list[torch.Tensor] = []
        if batch.document_keys is not None:
            documents = gather_documents(documents)
            keys = [part.cpu() for part in gather_rows(batch.document_keys.to(device))]
        tables: dict[Rows, tuple[RowScores, Labels]] = {}
        for rows, scores in self._scores(queries, documents).items():
            labels = label_rows(
                batch,
                rows=rows,
                keys_by_process=keys,
                own_process=process_index(),
                frame_counts=documents.frame_counts,
                device=device,
            )
            tables[rows] = (scores, labels)
        losses = []
        for term in self.objective.terms:
            scores, labels = tables[term.rows]
            if term.loss.startswith("hard"):
                absent = gold_is_absent(scores.by_modality, relation=labels.relation, target_ids=labels.target_ids)
                self._without_gold_modality += int(absent.sum())
            losses.append(term_losses(term, scores=scores, labels=labels, temperature=temperature))
            if term.loss.startswith("distill"):
                self._taught += len(losses[-1])
        return average(losses, weights=[term.weight for term in self.objective.terms])

    def _scores(self, queries: QueryTokens, documents: EncodedDocuments) -> dict[Rows, RowScores]:
        """Of the rows that the losses look at."""
        rows = {term.rows for term in self.objective.terms}
        if len(rows) == 1:
            segments = documents.frame_rows() if rows == {"frames"} else documents.document_rows()
            return {rows.pop(): score_rows(queries, tokens=documents.tokens, segments=segments)}
        by_frame, by_document = score_frames_and_documents(
            queries,
            tokens=documents.tokens,
            frames=documents.frame_rows(),
            documents=documents.document_rows(),
            frame_counts=documents.frame_counts,
        )
        return {"documents": by_document, "frames": by_frame}
