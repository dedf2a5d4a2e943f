"""Score files of the needle benchmark, by the embedded model."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.eval.needle.benchmark.long_task import long_material
from clamr_select.eval.needle.benchmark.scored import score_systems
from clamr_select.eval.needle.long_video import long_video
from clamr_select.eval.policies import needle
from clamr_select.eval.policies.needle import SETTINGS_FILE, WITH_OPTIONS, NeedleSet, index_needle, write_score_files
from clamr_select.eval.policies.records import read_records
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.model.identity import encoder_identity


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
    assert json.loads((tmp_path / SETTINGS_FILE).read_text(encoding="utf-8"))["split"] == "validation"
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


ONE = NeedleSet("validation", "clean", duration_seconds=120, num_videos=1, questions_per_video=1)


@pytest.fixture(scope="module")
def scored(encoder, tmp_path_factory):
    """The scores of ``ONE``."""
    folder = tmp_path_factory.mktemp("scores")
    write_score_files(ONE, encoder=encoder, directory=folder, shard=(0, 1))
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "test"}, "split is 'validation' there, 'test' here"),
        ({"noise": "realistic"}, "noise is 'clean' there, 'realistic' here"),
        ({"duration_seconds": 180}, "duration_seconds is 120 there, 180 here"),
        ({"questions_per_video": 2}, "questions_per_video is 1 there, 2 here"),
        ({"late_interaction": False}, "late_interaction is True there, False here"),
    ],
)
def test_scores_of_other_settings_are_refused(scored, encoder, changes, message):
    with pytest.raises(InputError, match=f"{message}; name another folder"):
        write_score_files(replace(ONE, **changes), encoder=encoder, directory=scored, shard=(0, 1))


def test_scores_of_another_model_are_refused(scored, encoder, monkeypatch):
    monkeypatch.setattr(needle, "encoder_identity", lambda encoder: encoder_identity(encoder) | {"weights": "0" * 64})
    with pytest.raises(InputError, match=r"model_weights is '\w{12}' there, '000000000000' here"):
        write_score_files(ONE, encoder=encoder, directory=scored, shard=(0, 1))


def test_only_files_of_the_set_are_returned(scored, encoder):
    (known,) = scored.glob("*.jsonl")
    beside = scored / known.name.replace("0000", "0001")  # a video of a larger set
    beside.write_bytes(known.read_bytes())
    assert write_score_files(ONE, encoder=encoder, directory=scored, shard=(0, 1)) == [known]
    beside.unlink()
    with pytest.raises(InputError, match="shard 1/2 has none of 1 videos"):
        write_score_files(ONE, encoder=encoder, directory=scored, shard=(1, 2))


def test_scores_that_do_not_say_what_they_are_of_are_refused(encoder, tmp_path):
    (tmp_path / "test-clean-120-0000.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"holds scores, and no {SETTINGS_FILE} .*name another folder"):
        write_score_files(ONE, encoder=encoder, directory=tmp_path, shard=(0, 1))
    (tmp_path / SETTINGS_FILE).write_text("7", encoding="utf-8")
    with pytest.raises(InputError, match="does not say what the scores beside it are of"):
        write_score_files(ONE, encoder=encoder, directory=tmp_path, shard=(0, 1))


def test_numbers_below_one_are_refused():
    with pytest.raises(InputError, match="at least 1 of each"):
        NeedleSet("test", num_videos=0)
