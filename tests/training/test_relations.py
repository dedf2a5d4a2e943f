"""Who is positive, negative or ignored, in the batch and elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.training.batch import TrainingBatch
from clamr_select.training.labels import label_rows
from clamr_select.training.losses import IGNORED, NEGATIVE, NO_TARGET, POSITIVE
from clamr_select.training.prepared import collate, prepare
from clamr_select.training.relations import hash_keys, question_keys, relations, relations_elsewhere

from .rows import keyed_batch


def test_relations_by_hand(batch):
    frames, documents = relations(batch)
    assert frames.tolist() == [
        [0, 0, 0, POSITIVE, IGNORED, IGNORED],
        [IGNORED] * 6,
        [0, 0, 0, 0, 0, POSITIVE],
    ]
    assert documents.tolist() == [[0, POSITIVE, IGNORED], [POSITIVE, 0, 0], [0, 0, POSITIVE]]


def test_one_question_has_one_key_wherever_it_stands():
    here = keyed_batch([1, 5, 2])
    there = keyed_batch([9, 1])
    one, again, two = question_keys(here).tolist()
    nine, elsewhere = question_keys(there).tolist()
    assert one == again == elsewhere
    assert len({one, two, nine}) == 3
    louder = tuple(replace(query, text=f" {query.text.upper()} ") for query in here.queries)
    assert question_keys(replace(here, queries=louder)).tolist() == [one, again, two]


def test_another_row_of_the_same_video_is_no_negative():
    _, documents = relations(keyed_batch(list(range(6))))
    assert documents[1].tolist() == [0, POSITIVE, 0, 0, 0, IGNORED]
    assert documents[5].tolist() == [0, IGNORED, 0, 0, 0, POSITIVE]
    assert documents[0].tolist() == [POSITIVE, 0, 0, 0, 0, 0]


def test_elsewhere_documents_are_negatives_except_the_same_video():
    here = torch.tensor([[POSITIVE, NEGATIVE, IGNORED], [NEGATIVE, POSITIVE, NEGATIVE]])
    elsewhere = relations_elsewhere(
        here,
        own_keys=hash_keys(["a", "b", "c"]),
        other_keys=hash_keys(["c", "b", "d", "a"]),
        answer_keys=[hash_keys([]), hash_keys([])],
    )
    assert elsewhere.tolist() == [[IGNORED, NEGATIVE, NEGATIVE, IGNORED], [NEGATIVE, IGNORED, NEGATIVE, NEGATIVE]]


def test_documents_that_answer_are_no_negatives_here_or_elsewhere():
    batch = keyed_batch([2, 3, 9])
    assert batch.queries[0].answer_keys == ("video-2", "video-9")
    assert relations(batch)[1].tolist() == [[POSITIVE, 0, IGNORED], [0, POSITIVE, 0], [IGNORED, 0, POSITIVE]]
    elsewhere = relations_elsewhere(
        torch.tensor([[POSITIVE], [POSITIVE]]),
        own_keys=hash_keys(["a"]),
        other_keys=hash_keys(["b", "c", "a"]),
        answer_keys=[hash_keys(["a", "c"]), hash_keys([])],
    )
    assert elsewhere.tolist() == [[NEGATIVE, IGNORED, IGNORED], [NEGATIVE, NEGATIVE, IGNORED]]


def test_hashes_are_the_same_in_every_process():
    assert hash_keys(["video-1"]).tolist() == [8360940653618621488]
    assert len(set(hash_keys([f"video-{i}" for i in range(1000)]).tolist())) == 1000


def test_labels_of_two_processes_side_by_side(processor):
    here, there = (prepare(keyed_batch(rows), processor=processor) for rows in ([0, 1, 2], [3, 4, 5]))
    keys = [there.document_keys, here.document_keys]
    counts = torch.tensor([*there.frame_counts, *here.frame_counts])
    device = torch.device("cpu")
    labels = [
        label_rows(here, rows=rows, keys_by_process=keys, own_process=1, frame_counts=counts, device=device)
        for rows in ("documents", "frames")
    ]
    assert labels[0].relation.tolist() == [
        [NEGATIVE, NEGATIVE, NEGATIVE, POSITIVE, NEGATIVE, NEGATIVE],
        [NEGATIVE, NEGATIVE, IGNORED, NEGATIVE, POSITIVE, NEGATIVE],
        [NEGATIVE, NEGATIVE, NEGATIVE, NEGATIVE, NEGATIVE, POSITIVE],
    ]
    assert labels[1].relation.shape == (3, int(counts.sum()))
    assert labels[1].relation[1, :5].tolist() == [NEGATIVE, NEGATIVE, NEGATIVE, IGNORED, IGNORED]


def test_targets_and_teacher_scores(batch, processor):
    prepared = prepare(batch, processor=processor)
    assert prepared.target_ids.tolist() == [processor.modality_id("asr"), processor.modality_id("description"), 0]
    assert NO_TARGET == 0
    assert prepared.joint.tolist() == [False, False, True]
    assert prepared.teacher_scores is None
    assert prepared.document_keys is None


def test_bad_batches_are_refused(batch, processor):
    with pytest.raises(InputError, match="2 document keys for 3 documents"):
        TrainingBatch(batch.documents, batch.queries, ("a", "b"))
    with pytest.raises(InputError, match="give document_keys"):
        TrainingBatch(batch.documents, (replace(batch.queries[0], answer_keys=("a",)),))
    with pytest.raises(InputError, match="documents and queries"):
        prepare(TrainingBatch(batch.documents, ()), processor=processor)
    with pytest.raises(InputError, match="at least 1"):
        prepare(batch, processor=processor, documents_per_group=0)
    with pytest.raises(InputError, match="per_device_train_batch_size to 1"):
        collate([batch, batch], processor=processor)
