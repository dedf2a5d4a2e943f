"""Batches of motion, and of documents of uneven length."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from clamr_select.eval.needle.picture_batches import motion_batch, uneven_batch
from clamr_select.eval.needle.pictures import draw_scene
from clamr_select.eval.needle.predicates import FrameFacts, Verdict
from clamr_select.eval.needle.questions import ask_motion
from clamr_select.eval.needle.scene import Scene, Shape


def batch(seed=3, **options):
    return motion_batch(np.random.default_rng(seed), num_documents=24, **options)


def test_a_question_says_what_moves_and_how():
    rng = np.random.default_rng(1)
    scene = Scene((Shape("star", "red", place="left", motion="grows"), Shape("cup", "blue", place="right")))
    for _ in range(20):
        question = ask_motion(scene, rng)
        assert question.target == "video"
        (pattern,) = question.predicate.patterns
        assert (pattern.kind, pattern.motion) in {("star", "grows"), (None, "grows")}
        assert question.predicate.frame(FrameFacts(scene)) == Verdict.YES
        assert "cup" not in question.text


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_so_many_things_move_as_are_asked_for(share):
    rng = np.random.default_rng(5)
    scenes = [draw_scene(rng, split="train", moving=True, moving_share=share) for _ in range(30)]
    assert {shape.motion is not None for scene in scenes for shape in scene.shapes} == {bool(share)}
    still = draw_scene(rng, split="train", moving_share=share)
    assert all(shape.motion is None for shape in still.shapes)


def test_nearly_every_picture_moves_and_nearly_every_question_has_near_misses():
    made = batch(typo_share=0.0)
    assert len(made.documents) == 24
    moving = [d for d in made.documents if not np.array_equal(np.array(d.frames), np.array(d.neighbors))]
    assert len(moving) > 18
    words = ("mov", "rising", "rises", "sink", "fall", "grow", "bigger", "shrink", "smaller", "spin", "turn", "rotat")
    assert sum(any(word in q.text.lower() for word in words) for q in made.queries) > 0.7 * len(made.queries)
    assert len(made.queries) > 80
    assert not any(document.texts for document in made.documents)


def test_the_same_numbers_give_the_same_batch_and_typos_are_a_share():
    assert batch().queries == batch().queries != batch(seed=4).queries
    plain, misspelt = (Counter(q.text for q in batch(typo_share=share).queries) for share in (0.0, 1.0))
    assert (plain & misspelt).total() < 0.2 * plain.total()
    assert len(batch(questions_per_document=1).queries) <= 24


def test_documents_of_uneven_length_compete_and_each_question_has_its_frames():
    made = uneven_batch(np.random.default_rng(3), num_documents=24)
    lengths = Counter(document.num_candidates for document in made.documents)
    assert lengths[1] >= 4
    assert max(lengths) == 8
    assert len(made.queries) > 150
    for query in made.queries:
        assert {document for document, _ in query.positive_frames} == set(query.positive_documents)
        assert query.target == "video"
    answered = [len(made.documents[q.positive_documents[0]].frames) for q in made.queries]
    assert {1, 8} <= {*answered}
    again = uneven_batch(np.random.default_rng(3), num_documents=24, questions_per_document=1)
    assert len(again.queries) <= 24
