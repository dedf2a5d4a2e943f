"""Rows as training batches: read when they are asked for, the same for a batch number whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from clamr_select.errors import BadRowError, InputError
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.data.assemble import DrawnRow, assemble, row_frames
from clamr_select.training.data.budgets import TextBudgets
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.plan import BatchPlan
from clamr_select.training.data.report import BadRow, BadRowLog, OnBadRow, check_on_bad_row, summary
from clamr_select.training.data.rows import TARGETS

logger = logging.getLogger(__name__)

MAX_SUBSTITUTES = 20
_DRAW, _SUBSTITUTE = 0, 1
"""Streams of random numbers that do not meet."""


class RowBatches(Dataset[TrainingBatch]):
    """A map from batch number to batch; items are whole batches (``per_device_train_batch_size`` 1).

    Order: :class:`~clamr_select.training.data.plan.BatchPlan`. A run resumes at a number, and a sampler that shares
    out the numbers (accelerate's, a data loader's workers) shares out the rows. Train in the order of the numbers
    (``train_sampling_strategy="sequential"``): each epoch is shuffled already.

    Args:
        index: the rows.
        loader: reads their frames.
        batch_size: rows in a batch, at most. Rows of one video in a batch share one document.
        num_epochs, num_processes, seed: of the plan.
        budgets: cuts text; ``clamr-select train-data check`` counts what it would cut.
        modality_dropout: modality to the share (0 to 1) of documents that lose it, drawn anew each time. Kept are
            what a question of the batch says it is about, and all where nothing else would be left.
        on_bad_row: where frames cannot be read, or nothing of a row is left: ``error``; or ``skip``, which writes the
            bad row to ``bad_row_log`` and puts another in its place, drawn by the seed.
        bad_row_log: needed for ``skip``.
        stand_ins: False for evaluation, where no row may count twice: the place of a skipped row stays empty.

    Raises:
        InputError: an argument is out of range, ``skip`` without a log, or too few rows.
    """

    def __init__(
        self,
        index: RowIndex,
        *,
        loader: FrameLoader,
        batch_size: int,
        num_epochs: int = 1,
        num_processes: int = 1,
        seed: int = 0,
        budgets: TextBudgets | None = None,
        modality_dropout: Mapping[str, float] | None = None,
        on_bad_row: OnBadRow = "error",
        bad_row_log: Path | None = None,
        stand_ins: bool = True,
    ) -> None:
        check_on_bad_row(on_bad_row)
        if on_bad_row == "skip" and bad_row_log is None:
            raise InputError("on_bad_row='skip' needs bad_row_log, a file that keeps what was skipped")
        self.index = index
        self.plan = BatchPlan(
            index.video_ids, batch_size=batch_size, num_epochs=num_epochs, num_processes=num_processes, seed=seed
        )
        self._loader = loader
        self._budgets = budgets
        self._dropout = _checked_dropout(modality_dropout or {})
        self._seed = seed
        self._stand_ins = stand_ins
        self._skipped = BadRowLog(bad_row_log) if on_bad_row == "skip" and bad_row_log is not None else None

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, number: int) -> TrainingBatch:
        """Raises:
        BadRowError: a row cannot be read and skipping was not asked for, or nothing could take its place; without
            stand-ins, no row of any batch can be read.
        """
        positions = self.plan.rows_of(number)
        rng = np.random.default_rng((self._seed, self.plan.epoch_of(number), number, _DRAW))
        loaded = [self._load(position, number=number, rng=rng, taken=positions) for position in positions]
        drawn = [one for one in loaded if isinstance(one, DrawnRow)]
        bad = [one for one in loaded if isinstance(one, BadRowError)]
        if bad and self._stand_ins:
            raise bad[0]
        if not drawn:
            return self._unasked(number, bad[0])
        return assemble(drawn, dropout=self._dropout, budgets=self._budgets, rng=rng)

    def _unasked(self, number: int, error: BadRowError) -> TrainingBatch:
        """In place of a batch without a readable row: one of another batch, which the pool has once, and a question
        that nothing answers, which no metric counts. Processes that share the evaluation stay in step."""
        rng = np.random.default_rng((self._seed, number, _SUBSTITUTE))
        others = (position for n in range(1, len(self)) for position in self.plan.rows_of((number + n) % len(self)))
        for position in others:
            one = self._load(position, number=number, rng=rng, taken=[])
            if isinstance(one, DrawnRow):
                batch = assemble([one], dropout={}, budgets=self._budgets, rng=rng)
                questions = tuple(replace(q, positive_documents=(), answer_keys=()) for q in batch.queries)
                return replace(batch, queries=questions)
        raise error

    def bad_rows(self) -> list[BadRow]:
        """Bad rows that were left out so far: at the start, and by any process while training."""
        return [*self.index.bad_rows, *(self._skipped.read() if self._skipped is not None else [])]

    def report(self) -> str:
        return summary(self.bad_rows(), num_rows=self.index.num_read)

    def _load(
        self, position: int, *, number: int, rng: np.random.Generator, taken: list[int]
    ) -> DrawnRow | BadRowError:
        """The row, or one that stands in for it; the error where there is neither."""
        choice = rng.random()  # drawn whatever becomes of the row
        first_error: BadRowError | None = None
        for candidate in self._candidates(position, number=number, taken=taken):
            try:
                row = self.index[candidate]
                frames = row_frames(row, loader=self._loader, budgets=self._budgets)
            except BadRowError as error:
                if self._skipped is None:
                    raise
                first_error = first_error or error
                self._skipped.add(BadRow.of(error))
                outcome = "another row takes its place" if self._stand_ins else "it is left out"
                logger.warning("%s; %s", error, outcome)
            else:
                query = row.queries[int(choice * len(row.queries))]
                return DrawnRow(
                    row,
                    query=query,
                    frames=frames,
                    key=self.index.video_ids[candidate],
                    answer_keys=self.index.answers(candidate, query=query, query_id=row.query_id),
                )
        return first_error or BadRowError(str(position), "no such row")

    def _candidates(self, position: int, *, number: int, taken: list[int]) -> list[int]:
        """The row itself, then those that may stand in for it: of videos that the batch does not hold."""
        if self._skipped is None or not self._stand_ins:
            return [position]
        rng = np.random.default_rng((self._seed, number, position, _SUBSTITUTE))
        held = {self.index.video_ids[other] for other in taken}
        drawn = rng.permutation(len(self.index))[: 10 * MAX_SUBSTITUTES].tolist()
        return [position, *[p for p in drawn if self.index.video_ids[p] not in held][:MAX_SUBSTITUTES]]


def _checked_dropout(dropout: Mapping[str, float]) -> dict[str, float]:
    for modality, share in dropout.items():
        if modality not in TARGETS or not 0 <= share <= 1:
            raise InputError(
                f"modality_dropout is a share of 0 to 1 of {', '.join(TARGETS)}, got {modality!r}: {share}"
            )
    return dict(dropout)
