"""From rows on disk to a checkpoint with its card, and on from there."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from clamr_select.training.arguments import training_arguments
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.data.dataset import RowBatches
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.sources import open_rows
from clamr_select.training.model_card import TrainingData
from clamr_select.training.prepared import collate
from clamr_select.training.trainer import ClamrTrainer


@pytest.fixture
def make_trainer(rows_file: Path, frames_dir: Path, make_retriever: Any, processor: Any) -> Any:
    def make(directory: Path, *, max_steps: int = 6) -> ClamrTrainer:
        index, loader = RowIndex(open_rows(rows_file)), FrameLoader(frames_dir=frames_dir, num_frames=2)
        rows = partial(RowBatches, index, loader=loader, batch_size=4)
        return ClamrTrainer(
            ContrastiveModel(make_retriever()),
            args=training_arguments(
                directory,
                use_cpu=True,
                disable_tqdm=True,
                max_steps=max_steps,
                lr_scheduler_type="constant",
                learning_rate=1e-3,
                logging_steps=1,
                save_steps=3,
                eval_strategy="steps",
                eval_steps=3,
                per_device_train_batch_size=1,
                per_device_eval_batch_size=1,
                train_sampling_strategy="sequential",
            ),
            processor=processor,
            data_collator=partial(collate, processor=processor),
            train_dataset=rows(num_epochs=2, modality_dropout={"video": 0.3}),
            eval_dataset=rows(seed=1),
            data=TrainingData("rows.jsonl", counts={"rows": len(index)}),
            metrics_on="its own rows",
        )

    return make


def losses(trainer: ClamrTrainer) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def test_rows_train_resume_and_every_checkpoint_has_its_card(make_trainer: Any, tmp_path: Path) -> None:
    whole = make_trainer(tmp_path / "whole")
    whole.train_from_newest()
    make_trainer(tmp_path / "parts", max_steps=3).train_from_newest()
    resumed = make_trainer(tmp_path / "parts")
    resumed.train_from_newest()
    assert losses(resumed) == losses(whole)
    assert len(losses(whole)) == 6
    for step in (3, 6):
        card = ModelCard.load(tmp_path / "whole" / f"checkpoint-{step}" / "README.md")
        assert f"| steps | {step} of 6 |" in card.text
        assert "| loss | 1 × infonce over modality_max on documents |" in card.text
        assert "| rows | 16 |" in card.text
        assert "| weights trained | full |" in card.text
        assert card.data.model_name == "whole"
        assert "ndcg_at_10" in {result.metric_type for result in card.data.eval_results or []}
        assert {result.dataset_name for result in card.data.eval_results or []} == {"its own rows"}
    assert not (tmp_path / "whole" / "README.md").exists()
