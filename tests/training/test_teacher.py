"""A teacher's scores: read from a file, and on the pairs of a batch that it has judged."""

from __future__ import annotations

import json
import math

import pytest

from clamr_select.errors import BadRowError, InputError
from clamr_select.training.teacher import TaughtBatches, read_teacher_scores

from .rows import keyed_batch


def write(path, entries):
    path.write_text("\n".join(json.dumps(entry) for entry in entries))
    return path


def test_scores_reach_the_pairs_they_are_of(tmp_path):
    entries = [
        {"query": "The  HARBOR", "video_id": "video-0", "score": 3},
        {"query": "the harbor", "video_id": "train_video-1", "score": -1.5},
        {"query": "the lantern", "video_id": "video-9", "score": 2},
    ]
    scores = read_teacher_scores(write(tmp_path / "scores.jsonl", entries))
    taught = TaughtBatches([keyed_batch([0, 1])], scores=scores, asked=[("the harbor", "video-0"), ("x", "video-1")])
    assert (len(taught), taught.num_taught) == (1, 1)
    first, second = taught[0].queries
    assert first.teacher_scores == ((0, 3.0), (1, -1.5))
    assert [place for place, _ in second.teacher_scores] == [0, 1]
    assert all(math.isnan(score) for _, score in second.teacher_scores)
    with pytest.raises(InputError, match="scored 3 videos, and none of them"):
        TaughtBatches([keyed_batch([0])], scores=scores, asked=[("the harbor", "another")])
    with pytest.raises(InputError, match="scored 2 questions, and none of them"):
        TaughtBatches([keyed_batch([0])], scores=scores, asked=[("the harbour", "video-0")])


@pytest.mark.parametrize(
    "entry",
    [
        {"query": "q", "video_id": "v"},
        {"query": "q", "video_id": 3, "score": 1},
        {"query": "q", "video_id": "v", "score": math.nan},
        [],
    ],
)
def test_bad_lines_are_named(tmp_path, entry):
    with pytest.raises(BadRowError, match=r"scores\.jsonl:1"):
        read_teacher_scores(write(tmp_path / "scores.jsonl", [entry]))


def test_two_scores_of_one_pair_and_no_scores_are_refused(tmp_path):
    line = {"query": "q", "video_id": "v", "score": 1}
    with pytest.raises(BadRowError, match=r"scores\.jsonl:2.*two scores"):
        read_teacher_scores(write(tmp_path / "scores.jsonl", [line, {**line, "score": 2}]))
    with pytest.raises(InputError, match="holds no teacher scores"):
        read_teacher_scores(write(tmp_path / "empty.jsonl", []))
    with pytest.raises(InputError, match="no teacher scores at"):
        read_teacher_scores(tmp_path / "absent.jsonl")
