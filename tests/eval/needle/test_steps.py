"""Steps of a baseline: as many documents as any, and questions of its own kind alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.needle.batches import training_batches
from clamr_select.eval.needle.steps import NeedleSteps
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.views import view_of

EVERYTHING = dict.fromkeys(("lines_share", "moving_share", "uneven_share", "text_only_share", "vision_only_share"), 0.0)
"""Steps of the one kind that holds it all."""


def is_grey(batch):
    return all(np.ptp(frame) == 0 for document in batch.documents for frame in document.frames)


@pytest.fixture(scope="module")
def processor():
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu").processor


@pytest.mark.parametrize("system", ["asr", "description", "video"])
def test_a_single_modality_trains_on_many_questions_of_its_own(processor, system):
    steps = NeedleSteps(processor, seed=3, num_documents=12, max_frames=3, view=view_of(system))
    batch = steps[900]
    assert set(batch.targets) == {system}
    assert len(batch.targets) >= 5
    assert len(batch.frame_counts) == 12
    labelled = {int(i) for group in batch.groups for i in group.inputs["modality_ids"].unique()}
    assert labelled <= {0, processor.modality_id(system)}


def test_the_full_view_is_what_it_was(processor):
    plain, full = (
        NeedleSteps(processor, seed=3, num_documents=6, max_frames=2, **EVERYTHING, view=v)
        for v in (None, view_of("clamr"))
    )
    assert plain[900].targets == full[900].targets
    assert len({*plain[900].targets}) > 1


def test_who_only_reads_sees_grey_and_is_asked_the_same(processor):
    drawn, grey = (
        next(training_batches(seed=5, num_documents=8, vision_only_share=0.0, pictures=pictures))
        for pictures in (True, False)
    )
    assert grey.queries == drawn.queries
    for one, other in zip(drawn.documents, grey.documents, strict=True):
        assert (one.texts, one.num_candidates) == (other.texts, other.num_candidates)
        assert all(frame.shape == (28, 28, 3) and np.ptp(frame) == 0 for frame in other.frames)


def test_steps_of_text_alone_ask_about_words_and_show_nothing(processor):
    always, never = (
        NeedleSteps(processor, seed=3, num_documents=8, max_frames=3, lines_share=0.0, text_only_share=share)
        for share in (1.0, 0.0)
    )
    read, seen = always.drawn(2), never.drawn(2)
    assert {query.target for query in read.queries} <= {"asr", "ocr", "description", "ocr+asr"}
    assert len(read.queries) >= 8
    assert is_grey(read)
    assert not is_grey(seen)


def test_so_large_a_share_of_steps_is_text_alone_and_each_step_stays_what_it_is(processor):
    one, again = (
        NeedleSteps(processor, seed=3, num_documents=2, max_frames=1, lines_share=0.0, text_only_share=0.3)
        for _ in range(2)
    )

    found = [is_grey(one.drawn(step)) for step in range(60)]
    assert 8 <= sum(found) <= 28
    assert found[40:] == [is_grey(again.drawn(step)) for step in range(40, 60)]


def test_every_fourth_step_has_long_documents(processor):
    steps = NeedleSteps(processor, seed=3, num_documents=8, max_frames=4, **EVERYTHING)
    longest = [max(d.num_candidates for d in steps.drawn(step).documents) for step in range(8)]
    assert max(longest[3], longest[7]) == 8
    assert max(n for step, n in enumerate(longest) if step % 4 != 3) <= 4


def kind_of(batch):
    if is_grey(batch):
        return "lines" if all(len(query.text.split()) <= 2 for query in batch.queries) else "text"
    return "everything" if any(document.texts for document in batch.documents) else "pictures"


def test_a_share_of_the_steps_is_lines_full_of_words_and_a_single_modality_has_none(processor):
    shares = {"lines_share": 0.3, "text_only_share": 0.3, "vision_only_share": 0.5}
    steps = NeedleSteps(processor, seed=3, num_documents=4, max_frames=2, **shares)
    found = Counter(kind_of(steps.drawn(step)) for step in range(60))
    assert 8 <= found["lines"] <= 28
    assert found.keys() == {"lines", "text", "pictures", "everything"}
    assert steps[next(step for step in range(60) if kind_of(steps.drawn(step)) == "lines")].frame_counts
    asr = NeedleSteps(processor, seed=3, num_documents=4, max_frames=2, view=view_of("asr"), **shares)
    assert {kind_of(asr.drawn(step)) for step in range(30)} == {"text"}


def num_moving(batch):
    pairs = [(d.frames, d.neighbors) for d in batch.documents if d.neighbors]
    return sum(not np.array_equal(np.array(one), np.array(other)) for one, other in pairs)


def test_a_share_of_the_steps_shows_things_that_move_and_reading_has_none(processor):
    def steps(share, **options):
        return NeedleSteps(processor, seed=3, num_documents=12, **{**EVERYTHING, "moving_share": share}, **options)

    assert min(num_moving(steps(1.0).drawn(step)) for step in range(4)) >= 8
    assert 2 <= sum(kind_of(steps(0.5).drawn(step)) == "pictures" for step in range(12)) <= 10
    assert kind_of(steps(1.0, view=view_of("video")).drawn(0)) == "pictures"
    assert kind_of(steps(1.0, view=view_of("asr")).drawn(0)) == "text"


def test_processes_that_share_the_steps_have_the_same_kind_at_one_time(processor):
    steps = NeedleSteps(
        processor, seed=3, num_documents=4, max_frames=4, text_only_share=0.3, vision_only_share=0.5, num_processes=2
    )
    kinds = [kind_of(steps.drawn(step)) for step in range(48)]
    assert kinds[::2] == kinds[1::2]
    assert {*kinds} == {"lines", "text", "everything", "pictures"}
    assert steps.drawn(20).queries != steps.drawn(21).queries
    with pytest.raises(InputError, match="num_processes must be at least 1, got 0"):
        NeedleSteps(processor, seed=3, num_processes=0)


def test_a_target_that_is_none_is_named():
    with pytest.raises(UnknownNameError, match="smell"):
        next(training_batches(seed=1, targets=["smell"]))
    with pytest.raises(UnknownNameError, match="target"):
        next(training_batches(seed=1, targets=[]))
