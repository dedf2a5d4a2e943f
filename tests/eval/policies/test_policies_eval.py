"""Score files, selections of others, and the report: right on made cases, wrong input named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clamr_select.cli import main
from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.policies.measure import METRICS, PolicyChoice, all_policies, measured
from clamr_select.eval.policies.records import ScoreRecord, read_records, record_line
from clamr_select.eval.policies.run import SEVERAL, Settings, run_policies
from clamr_select.eval.policies.selections import read_question_ids, read_scenes, read_selections
from clamr_select.eval.policies.speed import seconds_by_policy
from clamr_select.eval.policies.tables import format_report
from clamr_select.policies import policy_names


def record(name: str, *, seed: int, **changes: object) -> ScoreRecord:
    """200 seconds, one bump of high scores at 50 s and a lower one at 150 s, both evidence."""
    scores = np.random.default_rng(seed).random(200) * 0.2
    scores[48:53], scores[149:152] = 0.9, 0.6
    fields = {
        "id": name,
        "gold_intervals": ((48.0, 52.0), (149.0, 151.0)),
        "timestamps_seconds": np.arange(200.0),
        "scores": scores,
        "video": f"video {seed // 2}",
        "group": ("seen", "said")[seed % 2],
        "variants": {"louder": scores * 2},
    }
    return ScoreRecord(**{**fields, **changes})


@pytest.fixture
def records() -> list[ScoreRecord]:
    return [record(f"q{seed}", seed=seed) for seed in range(8)]


@pytest.fixture
def folder(records, tmp_path) -> Path:
    from safetensors.numpy import save_file

    vectors = np.random.default_rng(0).normal(size=(200, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    late = (vectors @ vectors.T).astype(np.float16)
    save_file(
        {"embeddings": vectors.astype(np.float16), "late_interaction": np.ascontiguousarray(late)},
        tmp_path / "f.safetensors",
    )
    lines = [record_line(one, frames_file="f.safetensors", ignored=[3, 199]) for one in records]
    (tmp_path / "scores.jsonl").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return tmp_path


def test_records_travel_through_a_file_without_what_is_ignored(folder, records):
    read = read_records([folder])
    assert [one.id for one in read] == [one.id for one in records]
    kept = [i for i in range(200) if i not in (3, 199)]
    np.testing.assert_allclose(read[0].scores, records[0].scores[kept], atol=1e-6)
    np.testing.assert_array_equal(read[0].timestamps_seconds, np.array(kept, dtype=float))
    np.testing.assert_allclose(read[0].variants["louder"], records[0].variants["louder"][kept], atol=1e-6)
    assert read[0].frames is not None
    assert read[0].frames.embeddings.shape == (198, 8)
    assert read[0].frames.late_interaction.shape == (198, 198)
    assert (read[1].group, read[1].video, read[1].gold_intervals) == ("said", "video 0", records[1].gold_intervals)


@pytest.mark.parametrize("character", ["\u2028", "\u0085"])
def test_ends_of_lines_that_json_leaves_in_questions(character, records, tmp_path):
    asked = replace(records[0], question=f"Who{character}?")
    (tmp_path / "scores.jsonl").write_text(record_line(asked, frames_file=None) + "\n", encoding="utf-8")

    assert [one.question for one in read_records([tmp_path])] == [f"Who{character}?"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1, is not JSON"),
        ("[1]", "line 1, lacks id, gold_intervals"),
        ('{"id": "a"}', "line 1, lacks gold_intervals"),
        ('{"id": "a", "gold_intervals": []}', "has no gold_intervals"),
        ('{"id": "a", "gold_intervals": [[1, 2]], "scores": [1.0], "timestamps_seconds": []}', "is no scored question"),
        ('{"id": "a", "gold_intervals": [[1]]}', "is no scored question"),
        ('{"id": "a", "gold_intervals": [[1, 2]], "frames": "none.safetensors"}', "not beside it"),
        (
            '{"id": "a", "gold_intervals": [[1, 2]]}\n{"id": "a", "gold_intervals": [[1, 2]]}',
            "line 2: there is a question",
        ),
        ("", "no scored questions"),
    ],
)
def test_wrong_score_files_are_named(line, message, tmp_path):
    (tmp_path / "a.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_records([tmp_path / "a.jsonl"])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such score file or folder"):
        read_records([tmp_path / "none"])


def test_metrics_of_one_selection():
    one = record("q", seed=0)
    found = measured([one], lambda _: [49.0, 50.0, 150.0, 199.0])
    values = {name: found[name][0] for name in METRICS if name != "milliseconds"}
    assert values.pop("diversity") != values.get("hit")  # NaN without embeddings
    assert values == {"hit": 1.0, "evidence_recall": 1.0, "precision": 0.75, "coverage": 0.75, "frames": 4.0}


def test_frames_that_others_chose_outside_the_candidates_are_measured(folder):
    records = read_records([folder])
    choices = {"beyond": {"q0": [-1.0, 50.0, 249.5]}, "among": {"q0": [49.0, 50.0, 150.0]}}
    report = run_policies(records, Settings((PolicyChoice("topk"),), budgets=(4,)), selections=choices)["selections"]
    assert report["beyond"]["coverage"]["all"]["mean"] == pytest.approx(2 / 3)
    assert "diversity" not in report["beyond"]
    assert report["among"]["diversity"]["all"]["mean"] > 0


def test_the_report_compares_with_topk_and_uniform_by_video(folder):
    records = read_records([folder])
    choices = tuple(PolicyChoice.parse(name) for name in ("uniform", "topk", "topk_gap", "mmr", "mmr@late_interaction"))
    report = run_policies(records, Settings(choices, budgets=(2, 5)))
    assert report["num_questions"] == {"all": 8, SEVERAL: 8, "seen": 4, "said": 4}
    assert report["num_videos"] == 4
    # five frames by score all lie in the first bump; with a gap the second is reached
    assert report["policies"]["topk"]["5"]["evidence_recall"]["all"]["mean"] == 0.5
    assert report["policies"]["topk_gap"]["5"]["evidence_recall"]["all"]["mean"] == 1.0
    margin = report["against"]["topk"]["topk_gap"]["5"]["evidence_recall"][SEVERAL]
    assert margin == {"mean": 0.5, "low": 0.5, "high": 0.5}
    text = format_report(report)
    assert "8 questions, 4 videos" in text
    assert "+50.0 (+50.0 to +50.0)" in text
    assert text.count("`topk_gap`") == 4
    assert run_policies(records, Settings(choices, budgets=(2, 5)))["against"] == report["against"]


def test_a_variant_of_the_question_is_measured_by_name(records):
    settings = Settings((PolicyChoice("topk"),), budgets=(4,), variant="louder")
    report = run_policies(records, settings)
    assert report["policies"]["topk"]["4"]["hit"]["all"]["mean"] == 1.0
    with pytest.raises(InputError, match="has no variant 'softer'; it has louder"):
        run_policies(records, Settings((PolicyChoice("topk"),), variant="softer"))


def test_policies_that_a_file_does_not_allow_are_left_out_by_name(records):
    report = run_policies(records, Settings(tuple(all_policies()), budgets=(4,)))
    assert report["left_out"]["mmr"] == "not every question has embeddings"
    assert report["left_out"]["mmr@late_interaction"] == "not every question has embeddings"
    assert {"uniform", "topk", "aks", "wfs_sb"} <= set(report["policies"])


@pytest.mark.parametrize(
    ("text", "policy", "diversity", "parameters"),
    [
        ("topk", "topk", "pooled", {}),
        ("mmr@late_interaction:relevance_weight=0.7", "mmr", "late_interaction", {"relevance_weight": 0.7}),
        ("uniform:variant=linspace", "uniform", "pooled", {"variant": "linspace"}),
        ("aks:threshold=0.4,max_depth=3", "aks", "pooled", {"threshold": 0.4, "max_depth": 3}),
    ],
)
def test_policies_are_written_in_one_word(text, policy, diversity, parameters):
    parsed = PolicyChoice.parse(text)
    assert (parsed.policy, parsed.diversity, parsed.parameters) == (policy, diversity, parameters)
    assert str(parsed) == text


@pytest.mark.parametrize(
    ("text", "error"), [("best", UnknownNameError), ("mmr@pixels", UnknownNameError), ("mmr:x", InputError)]
)
def test_policies_that_cannot_be_read_are_named(text, error):
    with pytest.raises(error):
        PolicyChoice.parse(text)


def test_budgets_and_seeds_out_of_range_are_refused():
    with pytest.raises(InputError, match="budgets must be whole numbers"):
        Settings((PolicyChoice("topk"),), budgets=(0,))
    with pytest.raises(InputError, match="seed must be at least 0, got -1"):
        Settings((PolicyChoice("topk"),), seed=-1)


# --- selections of others ---

LAYOUTS = [
    ([{"id": "a", "frame_timestamps": [1.5, 3.0]}], {"a": [1.5, 3.0]}),
    ([{"qid": 7, "keyframe_indices": [60, 0, 90]}], {"7": [0.0, 2.0, 3.0]}),
    ({"v": [{"question_id": "a", "frames": [4.0]}, {"question_id": "b", "frames": [5.0]}]}, {"a": [4.0], "b": [5.0]}),
    ({"a": [0, 24, 48], "b": [3, 7]}, {"a": [0.0, 1.0, 2.0]}),
    ([[0, 25, 75], [30, 90]], {"a": [0.0, 1.0, 3.0], "b": [1.0, 3.0]}),
]


@pytest.mark.parametrize(("data", "expected"), LAYOUTS, ids=["kfs_bench", "wfs_sb", "bolt", "qca", "aks"])
def test_published_layouts_are_read(data, expected, tmp_path):
    (tmp_path / "s.json").write_text(json.dumps(data), encoding="utf-8")
    assert read_selections({"s": tmp_path / "s.json"}, question_ids=["a", "b"]) == {"s": expected}


def test_twenty_nine_frames_a_second_are_those_of_ntsc(tmp_path):
    (tmp_path / "s.json").write_text('{"a": [0, 29, 870]}', encoding="utf-8")
    assert read_selections({"s": tmp_path / "s.json"})["s"]["a"] == pytest.approx([0.0, 0.9676, 29.029], abs=1e-3)


def test_the_frame_rate_is_what_all_files_share(tmp_path):
    # alone, the first would be taken for 50 frames a second
    (tmp_path / "few.json").write_text('{"a": [0, 50, 100]}', encoding="utf-8")
    (tmp_path / "more.json").write_text('{"a": [25, 50, 75]}', encoding="utf-8")
    found = read_selections({"few": tmp_path / "few.json", "more": tmp_path / "more.json"})
    assert found == {"few": {"a": [0.0, 2.0, 4.0]}, "more": {"a": [1.0, 2.0, 3.0]}}


def test_selections_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "s.json").write_text("[[0, 25]]", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds 1 selections without ids.*got none"):
        read_selections({"s": tmp_path / "s.json"})
    (tmp_path / "s.json").write_text('[{"id": "a"}]', encoding="utf-8")
    with pytest.raises(InputError, match="known layouts"):
        read_selections({"s": tmp_path / "s.json"})
    for empty in ("{}", "[]"):
        (tmp_path / "s.json").write_text(empty, encoding="utf-8")
        with pytest.raises(InputError, match=r"no file of selections .*nothing in it"):
            read_selections({"s": tmp_path / "s.json"}, question_ids=[])
    (tmp_path / "s.json").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match="is not JSON"):
        read_selections({"s": tmp_path / "s.json"})
    with pytest.raises(InputError, match="no such file"):
        read_selections({"s": tmp_path / "none.json"})


def test_scenes_are_evidence_with_the_last_second_included(tmp_path):
    path = tmp_path / "scenes.csv"
    path.write_text(
        "id,segment_id,scene_id,start,end\na,0,1,0:01:05,0:01:09\na,1,0,0:00:02,0:00:03\n", encoding="utf-8"
    )
    (one,) = read_scenes(path)
    assert one.gold_intervals == ((2.0, 4.0), (65.0, 70.0))
    path.write_text("id,start\na,0:01\n", encoding="utf-8")
    with pytest.raises(InputError, match="no file of scenes"):
        read_scenes(path)


# --- the command ---


def test_the_command_writes_table_json_and_plot(folder, tmp_path, capsys):
    output = tmp_path / "out"
    arguments = ["eval", "policies", str(folder), "--policies", "topk", "uniform", "topk_gap", "--budgets", "4"]
    assert main([*arguments, "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert (output / "policies.md").read_text(encoding="utf-8") == printed
    assert json.loads((output / "policies.json").read_text())["num_questions"]["all"] == 8
    assert (output / "policies.png").stat().st_size > 10_000


def test_the_command_measures_published_selections(tmp_path, capsys):
    scenes, chosen, ids = tmp_path / "scenes.csv", tmp_path / "aks.json", tmp_path / "questions.json"
    scenes.write_text("id,scene_id,start,end\na,0,0:01,0:02\nb,0,0:10,0:20\n", encoding="utf-8")
    chosen.write_text("[[25, 50], [0, 30]]", encoding="utf-8")
    ids.write_text('[{"id": "a"}, {"id": "b"}]', encoding="utf-8")
    arguments = ["eval", "policies", "--scenes", str(scenes), "--selections", f"aks={chosen}", "--questions", str(ids)]
    assert main(arguments) == 0
    assert "| aks | 2.0 | 2 | 50.0 " in capsys.readouterr().out
    assert read_question_ids(ids) == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either SCORES"),
        (["--needle", "test"], "--needle SPLIT and --into DIR go together"),
        (["--needle", "exam", "--into", "x"], "unknown split 'exam'"),
        (["--needle", "test", "--into", "x", "--shard", "2/2"], "--shard must be I/N"),
        (["--policies", "best"], "unknown policy 'best'"),
        (["--scenes", "s.csv", "--selections", "aks"], "NAME=FILE"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.csv").write_text("id,scene_id,start,end\na,0,0:01,0:02\n", encoding="utf-8")
    assert main(["eval", "policies", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_speed_is_measured_for_every_policy():
    found = seconds_by_policy(num_candidates=300, num_frames=8, dim=8, repeats=2)
    assert set(found) == set(policy_names())
    assert all(len(spent) == 2 and min(spent) > 0 for spent in found.values())
