"""Training batches by step number: step 700 is the same batch whether the run was interrupted or not."""

from __future__ import annotations

from torch.utils.data import Dataset

from clamr_select.eval.needle.batches import TARGETS, training_batches
from clamr_select.model import ClamrProcessor
from clamr_select.training.prepared import PreparedBatch, prepare
from clamr_select.training.views import VIDEO, View

STEPS_PER_SEED = 10_000_000


class NeedleSteps(Dataset[PreparedBatch]):
    """A map from step to prepared batch, for a DataLoader with workers.

    Args:
        vision_only_share: of the first ``vision_steps`` steps; a third of it afterwards. Binding (which colour
            on which shape) is slow to learn and starves once text explains the loss.
        view: what is encoded, and which questions train; a batch without any is passed over.
    """

    def __init__(
        self,
        processor: ClamrProcessor,
        *,
        seed: int,
        num_documents: int = 48,
        max_frames: int = 8,
        vision_only_share: float = 0.75,
        vision_steps: int = 800,
        view: View | None = None,
    ) -> None:
        self.processor = processor
        self.seed = seed
        self.num_documents = num_documents
        self.max_frames = max_frames
        self.vision_only_share = vision_only_share
        self.vision_steps = vision_steps
        self.view = view or View()

    def __getitem__(self, step: int) -> PreparedBatch:
        share = self.vision_only_share if step < self.vision_steps else self.vision_only_share / 3
        if self.view.modality not in (None, VIDEO):
            share = 0.0  # those hold no text
        batches = training_batches(
            seed=self.seed * STEPS_PER_SEED + step,
            num_documents=self.num_documents,
            max_frames=self.max_frames,
            vision_only_share=share,
            neighbors=step % 2 == 1,  # every second step: the model meets frames with and without
            targets=[target for target in TARGETS if self.view.trains_on(target)],
        )
        asked = (batch for batch in batches if any(self.view.trains_on(query.target) for query in batch.queries))
        return prepare(next(asked), processor=self.processor, view=self.view)
