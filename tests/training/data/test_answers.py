"""The same question in different batches: the labels are those of the whole data set, whatever the batch size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from clamr_select.training.batch import TrainingBatch
from clamr_select.training.contrastive_model import ContrastiveModel
from clamr_select.training.data.asked import AskedQuery
from clamr_select.training.data.dataset import RowBatches
from clamr_select.training.data.index import RowIndex
from clamr_select.training.data.loading import FrameLoader
from clamr_select.training.data.sources import ListSource
from clamr_select.training.evaluation import EncodedBatch, retrieval_metrics
from clamr_select.training.labels import label_rows
from clamr_select.training.losses import IGNORED, NEGATIVE, POSITIVE
from clamr_select.training.prepared import PreparedBatch, prepare

ROWS: list[dict[str, Any]] = [
    {"video_id": "a", "query": "The harbor", "query_id": "harbor_1", "asr": "harbor lantern"},
    {"video_id": "b", "query": "a harbor film", "query_id": "harbor_1", "asr": "glacier walrus harbor"},
    {"video_id": "c", "query": " the  harbor", "asr": "cello bugle"},
    {"video_id": "d", "query": "orchard", "asr": "orchard compass harbor"},
    {"video_id": "e", "query": "tunnel", "asr": "tunnel violin"},
    {"video_id": "f", "query": ["meadow", "THE HARBOR "], "asr": "meadow anchor"},
]
ANSWERS = {
    "The harbor": {"a", "b", "c", "f"},  # b by the id, the others by the words
    "a harbor film": {"a", "b"},
    " the  harbor": {"a", "c", "f"},
    "orchard": {"d"},
    "tunnel": {"e"},
    "meadow": {"f"},
    "THE HARBOR ": {"a", "c", "f"},
}


ONE_QUESTION_EACH = [*ROWS[:-1], {**ROWS[-1], "query": "meadow"}]
"""Of several, each epoch draws one; then evaluations differ by what was drawn."""


def batches_of(size: int, *, rows: list[dict[str, Any]] = ROWS, num_processes: int = 1) -> list[TrainingBatch]:
    index = RowIndex(ListSource(rows, name="rows"))
    dataset = RowBatches(index, loader=FrameLoader(), batch_size=size, num_processes=num_processes, seed=2)
    return [dataset[number] for number in range(len(dataset))]


def one_by_one() -> list[TrainingBatch]:
    """Batches of one row, which training refuses: each then has one right video of its question."""
    (whole,) = batches_of(6, rows=ONE_QUESTION_EACH)
    return [
        TrainingBatch((document,), (replace(query, positive_documents=(0,)),), (key,))
        for document, query, key in zip(whole.documents, whole.queries, whole.document_keys, strict=True)
    ]


def test_answers_in_another_process_are_no_negatives(processor: Any) -> None:
    batches = batches_of(3, num_processes=2)
    prepared = [prepare(batch, processor=processor) for batch in batches]
    keys_by_process = [torch.as_tensor(batch.document_keys) for batch in prepared]
    keys = [key for batch in batches for key in batch.document_keys]
    ignored = 0
    for own, batch in enumerate(batches):
        labels = label_rows(
            prepared[own],
            rows="documents",
            keys_by_process=keys_by_process,
            own_process=own,
            frame_counts=torch.ones(len(keys), dtype=torch.int64),
            device=torch.device("cpu"),
        )
        for query, relation in zip(batch.queries, labels.relation.tolist(), strict=True):
            for key, kind in zip(keys, relation, strict=True):
                if key in batch.document_keys:
                    assert kind == (POSITIVE if key in ANSWERS[query.text] else NEGATIVE)
                else:
                    assert kind == (IGNORED if key in ANSWERS[query.text] else NEGATIVE), (query.text, key)
                    ignored += kind == IGNORED
    assert ignored >= 2


def test_evaluation_does_not_depend_on_the_batch_size(make_retriever: Any, processor: Any) -> None:
    model = ContrastiveModel(make_retriever()).eval()

    def encode(batch: TrainingBatch) -> EncodedBatch:
        prepared: PreparedBatch = prepare(batch, processor=processor)
        with torch.no_grad():
            return EncodedBatch.of(prepared, **model(batch=prepared, encode_only=True))

    whole = batches_of(6, rows=ONE_QUESTION_EACH)
    pairs = batches_of(2, rows=ONE_QUESTION_EACH)
    assert any({"a", "b"} & set(batch.document_keys) in ({"a"}, {"b"}) for batch in pairs)
    expected = retrieval_metrics([encode(batch) for batch in whole])
    assert expected["num_queries"] == 6
    for batches in (one_by_one(), pairs):
        assert retrieval_metrics([encode(batch) for batch in batches]) == pytest.approx(expected, abs=1e-9)


def test_questions_from_a_file_are_shared_by_their_words_alone() -> None:
    """The id is that of the row's own question, which is not asked then."""
    asked = [AskedQuery(name, name, (text,), "") for name, text in (("a", "Cello"), ("b", "bugle"), ("c", "cello"))]
    index = RowIndex(ListSource(ROWS, name="rows"), asked=asked)
    rows = [index[position] for position in range(3)]
    answers = [index.answers(n, query=row.queries[0], query_id=row.query_id) for n, row in enumerate(rows)]
    assert answers == [("a", "c"), ("b",), ("a", "c")]
