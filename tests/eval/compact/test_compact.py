"""The table of smaller embeddings, on one short video, by the embedded model."""

from __future__ import annotations

import json

import pytest

from clamr_select.cli import main
from clamr_select.errors import InputError
from clamr_select.eval.compact.measure import WHOLE, Setting, measure
from clamr_select.eval.policies.needle import NeedleSet
from clamr_select.model.encoder import ClamrEncoder


@pytest.fixture(scope="module")
def encoder() -> ClamrEncoder:
    return ClamrEncoder.from_pretrained("clamr-nano", device="cpu")


SHORT = NeedleSet("validation", "clean", duration_seconds=180, num_videos=2, questions_per_video=3)


def test_the_whole_embeddings_are_compared_with_themselves(encoder):
    report = measure(SHORT, encoder=encoder, settings=[WHOLE, Setting(1, "int8"), Setting(8, "int4")])
    whole, int8, least = report["settings"]
    assert whole["less the whole"] == {"mean": 0, "low": 0, "high": 0}
    assert whole["same of the best 8"] == whole["smaller by"] == 1
    assert 3 < int8["smaller by"] < 4 < 10 < least["smaller by"]
    assert int8["same of the best 8"] > 0.8
    assert least["tokens a candidate"] < int8["tokens a candidate"] == whole["tokens a candidate"]
    assert report["num_questions"] > 2


def test_the_command_writes_a_table(tmp_path, capsys):
    command = ["eval", "compact", "--num-videos", "1", "--duration", "120", "--output", str(tmp_path)]
    assert main(command) == 0
    assert capsys.readouterr().out == (tmp_path / "compact.md").read_text(encoding="utf-8")
    report = json.loads((tmp_path / "compact.json").read_text(encoding="utf-8"))
    assert len(report["settings"]) == 16


def test_what_cannot_be_measured(encoder, capsys):
    with pytest.raises(InputError, match="0 settings"):
        measure(SHORT, encoder=encoder, settings=[])
    assert main(["eval", "compact", "--num-frames", "0"]) == 2
    assert "--num-frames" in capsys.readouterr().err
