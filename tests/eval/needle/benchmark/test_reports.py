"""What the reports say of made-up score tables, and the probes and the plain English test on the embedded model."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.needle.benchmark.groups import best_baseline, question_groups
from clamr_select.eval.needle.benchmark.plain_english import (
    change_letter,
    english_lines,
    packages_read,
    pick_questions,
    plain_english_report,
)
from clamr_select.eval.needle.benchmark.plot import save_plot
from clamr_select.eval.needle.benchmark.probes import blank, counterfactual_report, length_report
from clamr_select.eval.needle.benchmark.retrieval import question_metrics, retrieval_report
from clamr_select.eval.needle.benchmark.run import Settings
from clamr_select.eval.needle.benchmark.scored import Scored
from clamr_select.eval.needle.benchmark.tables import format_report
from clamr_select.metrics import ndcg_at_k


def made_tables(few) -> Scored:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=few.oracle_scores.shape).astype(np.float32)
    perfect = noise * 1e-3
    for row, question in enumerate(few.questions):
        perfect[row, list(question.query.positive_documents)] += 5
    winners = [[("video", "ocr", "asr", "description")[row % 4]] for row in range(len(few.questions))]
    tables = {"clamr": perfect, "average": noise, "uniform": np.zeros_like(noise), "oracle": few.oracle_scores}
    return Scored(tables=tables, winners={"clamr": winners}, left_out={"rrf": "no checkpoint of video"})


def test_question_metrics_are_those_of_a_ranking_without_what_is_ignored(few):
    rng = np.random.default_rng(1)
    table = rng.normal(size=few.oracle_scores.shape)
    metrics = question_metrics(table, few)
    for row, question in enumerate(few.questions):
        ranked = [int(d) for d in np.argsort(-table[row]) if d not in question.query.ignored_documents]
        expected = ndcg_at_k(ranked, relevant=set(question.query.positive_documents), k=10)
        assert metrics["ndcg@10"][row] == pytest.approx(expected)


def test_the_report_of_a_perfect_system_beats_noise_in_every_column(few, tmp_path):
    report = retrieval_report(made_tables(few), few, seed=1)
    perfect = report["systems"]["clamr"]
    assert all(value == 1.0 for value in perfect["ndcg@10"].values())
    assert report["best_baseline"] in ("average", "uniform")
    assert perfect["margin"]["all"]["low"] > 0
    assert set(perfect["margins"]) == {"average", "uniform"}
    assert sum(perfect["modality"]["predicted"].values()) == pytest.approx(1)
    assert "margin" not in report["systems"][report["best_baseline"]]
    whole = {"noise": {"clean": {"retrieval": {"hard": report}}}}
    text = format_report(whole)
    assert "left out: rrf (no checkpoint of video)" in text
    assert all(name in text for name in ("average", "oracle", "modality accuracy", "share of the oracle's"))
    save_plot(whole, tmp_path / "needle.png")
    assert (tmp_path / "needle.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(InputError, match="nothing to plot"):
        save_plot({"noise": {"clean": {}}}, tmp_path / "none.png")


def test_ordering_questions_are_in_no_other_column():
    groups = question_groups(
        ["video", "ordering", "video+asr"], paraphrased=[True, True, False], held_out=[False, True, False]
    )
    assert groups["all"].tolist() == [True, False, True]
    assert groups["ordering"].tolist() == [False, True, False]
    assert groups["two"].tolist() == [False, False, True]
    assert groups["paraphrased"].tolist() == [True, False, False]
    assert not {"new pictures", "text", "asr"} & set(groups)
    assert best_baseline({"clamr": 0.9, "average": 0.2, "oracle": 1.0, "separate": 0.5}) == "average"
    assert best_baseline({"clamr": 0.9}) is None


def test_a_blanked_modality_is_gone_and_nothing_else(few):
    document = max((few.documents[i] for i in range(len(few.documents))), key=lambda d: len(d.texts))
    grey = blank(document, "video")
    assert {int(v) for frame in grey.frames for v in np.unique(frame)} == {128}
    assert grey.texts == document.texts
    silent = blank(document, "asr")
    assert silent.texts == tuple(s for s in document.texts if s.modality != "asr")
    assert silent.frames is document.frames
    with pytest.raises(UnknownNameError, match="modality"):
        blank(document, "smell")


def test_probes_report_every_condition(encoder, few):
    report = counterfactual_report(few, encoder=encoder)
    assert list(report)[:2] == ["chance", "nothing blanked"]
    assert len(report) == 6
    assert report["without asr"]["asr"] < report["nothing blanked"]["asr"]
    assert report["without asr"]["ocr"] == report["nothing blanked"]["ocr"]
    lengths = length_report(few, encoder=encoder, seed=1)
    assert sum(entry["num_questions"] for entry in lengths.values()) == len(few.questions)
    assert set(lengths) <= {"1", "2", "3-4"}


def test_plain_english_is_the_same_each_time_and_names_what_it_read(encoder):
    lines = english_lines()
    assert lines == sorted(set(lines))
    assert len(lines) > 1000
    used, questions = pick_questions(lines, seed=3, num_lines=40)
    assert (used, questions) == pick_questions(lines, seed=3, num_lines=40)
    assert len(set(used)) == 40
    for line, question in zip(used, questions, strict=True):
        words = re.findall("[a-z]+", line.lower())
        for asked in question.split():
            assert asked not in words
            near = [w for w in words if len(w) == len(asked) and w[0] == asked[0]]
            assert any(sum(x != y for x, y in zip(w, asked, strict=True)) == 1 for w in near)
    report = plain_english_report(encoder=encoder, seed=3, num_lines=40)
    assert set(report["systems"]) == {"clamr", "bm25_words", "bm25_trigrams"}
    assert report["best_baseline"] == "bm25_trigrams"
    assert any(name.startswith("numpy ") for name in packages_read())
    assert "Plain English, 40 questions" in format_report({"noise": {}, "plain_english": report})
    with pytest.raises(InputError, match="ask for fewer"):
        pick_questions(lines[:5], seed=1, num_lines=6)


def test_one_letter_changes_and_never_the_first():
    rng = np.random.default_rng(0)
    for _ in range(50):
        changed = change_letter("harbor", rng)
        assert changed[0] == "h"
        assert sum(a != b for a, b in zip(changed, "harbor", strict=True)) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"tasks": ("sing",)}, {"noise": ("loud",)}, {"systems": ("magic",)}, {"split": "all"}, {"policy": "best"}],
)
def test_settings_that_cannot_be_are_named(wrong):
    with pytest.raises(UnknownNameError):
        replace(Settings(), **wrong)
    with pytest.raises(InputError, match="at least"):
        Settings(num_documents=1)
