"""Training batches by step number: step 700 is the same batch whether the run was interrupted or not."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from torch.utils.data import Dataset

from clamr_select.errors import InputError
from clamr_select.eval.needle.batches import TARGETS, TEXT_TARGETS, training_batches
from clamr_select.eval.needle.families import NearMissShares
from clamr_select.eval.needle.picture_batches import motion_batch, uneven_batch
from clamr_select.eval.needle.word_lines import word_line_batch
from clamr_select.model import ClamrProcessor
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.prepared import PreparedBatch, prepare
from clamr_select.training.views import VIDEO, View

Kind = Literal["lines", "text", "motion", "uneven", "pictures", "everything"]
NEAR_MISSES = NearMissShares(layout=0.35, motion=0.3, scattered=0.25)
STEPS_PER_SEED = 10_000_000


class NeedleSteps(Dataset[PreparedBatch]):
    """A map from step to prepared batch, for a DataLoader with workers.

    Args:
        max_frames: candidates in the longest documents; every fourth step of a process has documents of twice that.
        lines_share: of the steps: lines full of words, and questions of one or two misspelt ones.
        moving_share: of the steps: pictures in which everything moves, and near misses that move otherwise.
        uneven_share: of the steps: documents of one to eight pictures, near misses of which are longer or shorter.
        text_only_share: of the steps: documents with grey frames, and every question with letters wrong. Words that
            were never seen are found by their letters.
        vision_only_share: of the other steps: binding (which colour on which shape) is slow to learn and starves where
            text explains the loss.
        near_misses: how they differ in those.
        questions_per_document: in every batch.
        typo_share: of the questions of all other steps.
        documents_per_group: as :func:`clamr_select.training.prepared.prepare` takes it: on a GPU, one forward pass
            of many documents costs as much as one of few.
        num_processes: that share out the steps by turns. So many in a row are of one kind: a batch of text alone costs
            a fraction of one with everything, and the processes wait for each other.
        view: what is encoded, and which questions train; a batch without any is passed over.

    Raises:
        InputError: no process.
    """

    def __init__(
        self,
        processor: ClamrProcessor,
        *,
        seed: int,
        num_documents: int = 48,
        max_frames: int = 8,
        lines_share: float = 0.17,
        moving_share: float = 0.09,
        uneven_share: float = 0.14,
        text_only_share: float = 0.1,
        vision_only_share: float = 0.75,
        near_misses: NearMissShares = NEAR_MISSES,
        questions_per_document: int = 4,
        typo_share: float = 0.5,
        documents_per_group: int | None = None,
        num_processes: int = 1,
        view: View | None = None,
    ) -> None:
        if num_processes < 1:
            raise InputError(f"num_processes must be at least 1, got {num_processes}")
        self.processor = processor
        self.seed = seed
        self.num_documents = num_documents
        self.max_frames = max_frames
        self.lines_share = lines_share
        self.moving_share = moving_share
        self.uneven_share = uneven_share
        self.text_only_share = text_only_share
        self.vision_only_share = vision_only_share
        self.near_misses = near_misses
        self.questions_per_document = questions_per_document
        self.typo_share = typo_share
        self.documents_per_group = documents_per_group
        self.num_processes = num_processes
        self.view = view or View()

    def __getitem__(self, step: int) -> PreparedBatch:
        return prepare(
            self.drawn(step), processor=self.processor, documents_per_group=self.documents_per_group, view=self.view
        )

    def drawn(self, step: int) -> TrainingBatch:
        """The batch before it is prepared."""
        round_ = step // self.num_processes
        kind = self._kind(round_)
        seed = self.seed * STEPS_PER_SEED + step
        rng = np.random.default_rng(seed)
        if kind == "lines":
            return word_line_batch(rng, num_documents=math.ceil(self.num_documents / 2))
        if kind == "motion":
            return motion_batch(
                rng,
                num_documents=self.num_documents,
                questions_per_document=self.questions_per_document,
                typo_share=self.typo_share,
            )
        if kind == "uneven":  # longer documents, so fewer, and asked about more often
            return uneven_batch(
                rng,
                num_documents=math.ceil(self.num_documents * 0.45),
                questions_per_document=2 * self.questions_per_document,
                typo_share=self.typo_share,
            )
        targets = TEXT_TARGETS if kind == "text" else TARGETS
        batches = training_batches(
            seed=seed,
            num_documents=self.num_documents,
            max_frames=self.max_frames * (2 if round_ % 4 == 3 else 1),
            vision_only_share=float(kind == "pictures"),
            neighbors=round_ // 4 % 4 != 0,  # of three steps in four: the model meets frames with and without
            typo_share=1.0 if kind == "text" else self.typo_share,
            questions_per_document=self.questions_per_document,
            near_misses=self.near_misses,
            targets=[target for target in targets if self.view.trains_on(target)],
            pictures=kind != "text",
        )
        return next(batch for batch in batches if any(self.view.trains_on(query.target) for query in batch.queries))

    def _kind(self, round_: int) -> Kind:
        """Who trains on one modality of text alone only reads, and who trains on pictures alone meets no lines."""
        if self.view.modality not in (None, VIDEO):
            return "text"
        reads = self.view.modality is None
        rng = np.random.default_rng((self.seed, round_))
        shares: dict[Kind, float] = {
            "lines": self.lines_share if reads else 0.0,
            "text": self.text_only_share if reads else 0.0,
            "motion": self.moving_share,
            "uneven": self.uneven_share,
        }
        draw = float(rng.random())
        for kind, share in shares.items():
            if draw < share:
                return kind
            draw -= share
        return "pictures" if rng.random() < self.vision_only_share else "everything"
