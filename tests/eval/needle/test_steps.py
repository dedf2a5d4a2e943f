"""Steps of a baseline: as many documents as any, and questions of its own kind alone."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import UnknownNameError
from clamr_select.eval.needle.batches import training_batches
from clamr_select.eval.needle.steps import NeedleSteps
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.training.views import view_of


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
        NeedleSteps(processor, seed=3, num_documents=6, max_frames=2, vision_only_share=0.0, view=v)
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


def test_every_fourth_step_has_long_documents(processor):
    steps = NeedleSteps(processor, seed=3, num_documents=8, max_frames=4, vision_only_share=0.0)
    longest = [max(d.num_candidates for d in steps.drawn(step).documents) for step in range(8)]
    assert max(longest[3], longest[7]) == 8
    assert max(n for step, n in enumerate(longest) if step % 4 != 3) <= 4


def test_a_target_that_is_none_is_named():
    with pytest.raises(UnknownNameError, match="smell"):
        next(training_batches(seed=1, targets=["smell"]))
    with pytest.raises(UnknownNameError, match="target"):
        next(training_batches(seed=1, targets=[]))
