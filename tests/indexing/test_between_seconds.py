"""Selecting within a span of time, against choosing by hand among its candidates."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.policies import PooledSimilarity, policy_inputs, policy_names, select_indices

QUESTION = "what is said about the walrus?"


def test_only_the_span_competes_and_all_are_scored(spoken_video: IndexedVideo) -> None:
    whole = spoken_video.select(QUESTION, num_frames=4)
    part = spoken_video.select(QUESTION, num_frames=4, between_seconds=(15.0, 20.0))

    assert 12.0 in whole.timestamps_seconds
    assert all(15 <= seconds <= 20 for seconds in part.timestamps_seconds)
    assert part.candidates == whole.candidates
    assert part.method["between_seconds"] == [15.0, 20.0]
    assert "between_seconds" not in whole.method


def test_an_open_end_is_recorded_as_json_can_hold_it(spoken_video: IndexedVideo, tmp_path: Path) -> None:
    selection = spoken_video.select(QUESTION, num_frames=2, between_seconds=(15, math.inf))
    assert selection.method["between_seconds"] == [15.0, float(spoken_video.timestamps_seconds[-1])]
    selection.save(tmp_path / "selection.json")
    json.loads((tmp_path / "selection.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)


@pytest.mark.parametrize("policy", policy_names())
def test_the_policy_sees_the_span_as_if_it_were_the_video(spoken_video: IndexedVideo, policy: str) -> None:
    part = spoken_video.select(QUESTION, num_frames=3, policy=policy, between_seconds=(9.5, 22.0))
    (query,), _ = spoken_video.encoder.encode_query([QUESTION])
    inside = [i for i, t in enumerate(spoken_video.timestamps_seconds) if 9.5 <= t <= 22]
    pooled = spoken_video._pooled[inside]
    inputs = {"embeddings": pooled, "similarity": PooledSimilarity(pooled)}
    by_hand = select_indices(
        spoken_video.score(query).competing[inside],
        timestamps_seconds=spoken_video.timestamps_seconds[inside],
        num_frames=3,
        policy=policy,
        **{name: inputs[name] for name in policy_inputs(policy)},
    )

    assert part.timestamps_seconds == tuple(spoken_video.timestamps_seconds[inside[i]] for i in by_hand.indices)


def test_late_interaction_between_frames_is_of_the_span_too(spoken_video: IndexedVideo) -> None:
    part = spoken_video.select(
        QUESTION, num_frames=3, policy="mmr", diversity="late_interaction", between_seconds=(9.5, 22.0)
    )

    assert len(part) == 3
    assert all(9.5 <= seconds <= 22 for seconds in part.timestamps_seconds)


def test_the_whole_video_as_a_span_changes_nothing(spoken_video: IndexedVideo) -> None:
    whole = spoken_video.select(QUESTION, num_frames=5)
    same = spoken_video.select(QUESTION, num_frames=5, between_seconds=(0.0, 100.0))

    assert same.frame_indices == whole.frame_indices
    assert same.scores == whole.scores


def test_a_page_shown_beyond_the_span_does_not_hide_it_within(spoken_video: IndexedVideo) -> None:
    """Text that stays on screen counts in its best candidate of the span, not in one outside."""
    asr, ocr = (1 + spoken_video.tokens.modalities.index(name) for name in ("asr", "ocr"))
    # the sentence is spoken at candidates 12 and 13, which score alike: here it is written there
    labels = torch.where(spoken_video.tokens.modality_ids == asr, ocr, spoken_video.tokens.modality_ids)
    written = dataclasses.replace(
        spoken_video,
        words={"ocr": spoken_video.words["asr"], "asr": [[] for _ in range(len(spoken_video))]},
        tokens=dataclasses.replace(spoken_video.tokens, modality_ids=labels),
    )
    (query,), _ = written.encoder.encode_query([QUESTION])
    everywhere = written.score(query)
    inside = written.score(query, within=np.arange(len(written)) == 13)

    assert everywhere.competing[13] < everywhere.total[13] - 0.1  # candidate 12 stands for it
    assert inside.competing[13] == inside.total[13] == everywhere.total[13]


@pytest.mark.parametrize("span", [(40.0, 50.0), (5.2, 5.8), (20.0, 10.0)])
def test_a_span_without_candidates_is_refused(spoken_video: IndexedVideo, span: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="candidates run from 0 to 29 s"):
        spoken_video.select(QUESTION, between_seconds=span)
