from __future__ import annotations

import re
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from clamr_select.errors import InputError
from clamr_select.training.model_card import CardFacts, TrainingData, model_card, source_commit, write_model_card

FACTS = CardFacts(
    name="clamr-tiny",
    data=TrainingData(
        "my talks: 2024 | #1",
        description="Recorded talks.\n---\nlicense: evil",
        counts={"rows": 12_345, "bad rows left out": 3},
        hub_ids=("someone/talks",),
    ),
    recipe={"steps": 30, "loss": "infonce on documents | modality_max", "learning rate": 1e-5},
    metrics={"ndcg@10": 0.5847123, "recall@1": 0.25, "ndcg@10_ocr": float("nan")},
    metrics_on="held-out talks",
    modalities=("video", "ocr", "asr", "description"),
    num_parameters=2_900_000,
    num_trained_parameters=1000,
    base_model="Qwen/Qwen2.5-VL-3B-Instruct",
    license="mit",
)


def test_the_hub_reads_the_front_matter(tmp_path: Path) -> None:
    path = write_model_card(tmp_path, facts=FACTS)
    assert path.name == "README.md"
    card = ModelCard.load(path)
    assert card.data.library_name == "clamr-select"
    assert card.data.license == "mit"
    assert card.data.base_model == "Qwen/Qwen2.5-VL-3B-Instruct"
    assert card.data.datasets == ["someone/talks"]
    assert "video-retrieval" in card.data.tags
    assert card.data.model_name == "clamr-tiny"
    results = {r.metric_type: (r.metric_value, r.dataset_name) for r in card.data.eval_results or []}
    assert results == {"ndcg_at_10": (0.584712, "held-out talks"), "recall_at_1": (0.25, "held-out talks")}


def test_the_text_says_data_recipe_metrics_and_versions() -> None:
    text = model_card(FACTS).text
    for words in (
        "my talks: 2024 | #1",
        "| rows | 12,345 |",
        "| bad rows left out | 3 |",
        "| loss | infonce on documents \\| modality_max |",
        "| learning rate | 1e-05 |",
        "| ndcg@10 | 0.5847 |",
        "Measured on held-out talks.",
        "2,900,000 parameters. 1,000 of them were trained.",
        "| clamr-select | ",
        "| torch | ",
    ):
        assert words in text


def test_a_checkpoint_before_its_first_evaluation() -> None:
    card = model_card(CardFacts("clamr-tiny", TrainingData("rows.jsonl"), recipe={}))
    assert "has not been evaluated" in card.text
    assert card.data.eval_results is None
    assert card.data.license is None
    assert "license" not in card.data.to_dict()


def test_the_commit_is_that_of_the_checkout() -> None:
    commit = source_commit()
    in_checkout = (Path(__file__).parents[2] / ".git").exists()
    assert (commit is not None) == in_checkout
    assert commit is None or re.fullmatch(r"[0-9a-f]{40}( \+ changes)?", commit)


def test_a_card_needs_a_name() -> None:
    with pytest.raises(InputError, match="name"):
        CardFacts(" ", TrainingData("rows"), recipe={})
