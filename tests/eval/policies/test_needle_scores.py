"""Score files of the needle benchmark, by the embedded model."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.eval.needle.benchmark.long_task import long_material
from clamr_select.eval.needle.benchmark.scored import score_systems
from clamr_select.eval.needle.long_video import long_video
from clamr_select.eval.policies import needle
from clamr_select.eval.policies.needle import WITH_OPTIONS, NeedleSet, index_needle, write_score_files
from clamr_select.eval.policies.records import read_records
from clamr_select.model.encoder import ClamrEncoder


@pytest.fixture(scope="module")
def encoder() -> ClamrEncoder:
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu")


def test_an_interrupted_run_goes_on_and_keeps_finished_videos(encoder, tmp_path, monkeypatch):
    wanted = NeedleSet("validation", "clean", duration_seconds=180, num_videos=2, questions_per_video=3)
    write_score_files(wanted, encoder=encoder, directory=tmp_path, shard=(0, 2))
    (first,) = tmp_path.glob("*.jsonl")
    before = first.stat().st_mtime_ns
    drawn = []
    monkeypatch.setattr(needle, "draw_video", lambda *a, **k: drawn.append(k["number"]) or long_draw(*a, **k))
    write_score_files(wanted, encoder=encoder, directory=tmp_path, shard=(0, 1))
    assert len(drawn) == 1
    assert first.stat().st_mtime_ns == before
    assert not list(tmp_path.glob("*partial*"))
    records = read_records([tmp_path])
    assert len({record.video for record in records}) == 2
    for record in records:
        assert len(record.scores) == len(record.variants[WITH_OPTIONS])
        assert record.frames is not None
        assert len(record.frames.embeddings) == len(record.scores)
        np.testing.assert_allclose(np.diag(record.frames.late_interaction), 1.0, atol=2e-3)


long_draw = needle.draw_video


def test_scores_are_those_of_the_benchmark(encoder):
    video = long_video(seed=3, split="validation", noise="clean", duration_seconds=180, num_questions=2)
    indexed = index_needle(video, name="v", encoder=encoder)
    (table,) = [score_systems(long_material(video), systems=("clamr",), encoders={"clamr": encoder}).tables["clamr"]]
    for number, query in enumerate(encoder.encode_query([q.text for q in video.questions])[0]):
        np.testing.assert_allclose(indexed.score(query).total, table[number], atol=1e-4)


def test_pooled_embeddings_can_be_kept_alone(encoder, tmp_path):
    wanted = NeedleSet(
        "validation", "clean", duration_seconds=120, num_videos=1, questions_per_video=1, late_interaction=False
    )
    write_score_files(wanted, encoder=encoder, directory=tmp_path, shard=(0, 1))
    (record,) = read_records([tmp_path])
    assert record.frames is not None
    assert record.frames.late_interaction is None


def test_numbers_below_one_are_refused():
    with pytest.raises(InputError, match="at least 1 of each"):
        NeedleSet("test", num_videos=0)
