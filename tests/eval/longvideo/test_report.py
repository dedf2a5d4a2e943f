"""Runs as lmms-eval writes them, compared: the figures, what may not be paired, and the page of flips."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clamr_select.cli.longvideo import named_folder
from clamr_select.cli.main import main
from clamr_select.errors import InputError
from clamr_select.eval.longvideo.comparison import compare, flipped
from clamr_select.eval.longvideo.page import flips_page
from clamr_select.eval.longvideo.runs import read_run, video_of
from clamr_select.eval.longvideo.tables import markdown
from clamr_select.selection import Selection

TASK = "videomme"
QUESTION = "What colour is the cart?\nA. Red\nB. Blue <b>"


def write_run(
    folder: Path,
    correct: list[int],
    *,
    prompt: str = QUESTION,
    selection: Selection | None = None,
    metric: Any = None,
    model: str = "clamr-nano",
    videos: Sequence[str] = (),
) -> Path:
    """In the form of lmms-eval 0.7.3, with our record where there is a selection."""
    (folder / "m").mkdir(parents=True)
    log = folder / "selections"
    arguments = f"base=qwen3_vl,clamr_log={log}" if selection else "x=1"
    config = {"model": "clamr" if selection else "qwen3_vl", "model_args": arguments}
    results = {"results": {TASK: {}}, "higher_is_better": {TASK: {"score_of_task": True}}, "config": config}
    (folder / "m" / "2026_results.json").write_text(json.dumps(results), encoding="utf-8")
    samples, records = [], []
    for number, right in enumerate(correct):
        value = {"score": right} if metric is None else metric(right)
        samples.append(
            {
                "doc_id": number, "filtered_resps": ["A" if right else "B"], "target": "A", "input": prompt,
                "score_of_task": value,
            }
        )  # fmt: skip
        if selection is not None:
            strata = {"duration": "long" if number % 2 else "short", "task_type": "Counting"}
            records += [
                {
                    "task": TASK, "doc_id": number, "arm": "select", "not_for_reporting": model == "clamr-nano",
                    "emitted_frame_indices": [i for i in selection.frame_indices for _ in range(2)],
                    "selector_reads": ["frames", "subtitles"], "answerer_reads": ["frames", "options"],
                    "answerer_text": prompt, "strata": strata,
                    "selection": replace(selection, video=video).to_dict(include_candidates=False),
                }
                for video in videos or [selection.video]
            ]  # fmt: skip
    lines = [json.dumps(sample) for sample in samples]
    (folder / "m" / f"2026_samples_{TASK}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if records:
        log.mkdir()
        text = "".join(json.dumps(record) + "\n" for record in records)
        (log / "selections-abc-rank0.jsonl").write_text(text, encoding="utf-8")
    return folder


FIRST = [1, 0, 0, 1, 0, 0, 1, 0]
SECOND = [1, 1, 1, 1, 0, 1, 0, 1]


def test_the_figures(tmp_path: Path, color_selection: Selection) -> None:
    runs = [
        read_run(write_run(tmp_path / "plain", FIRST)),
        read_run(write_run(tmp_path / "ours", SECOND, selection=color_selection)),
    ]
    found = compare(runs, num_resamples=500)

    overall = {one.run: one.interval for one in found.accuracies if one.stratum == "all"}
    assert (overall["plain"].mean, overall["ours"].mean) == (0.375, 0.75)
    (pair,) = (one for one in found.pairings if one.stratum == "all")
    assert (pair.only_first, pair.only_second, pair.churn) == (1, 4, 5 / 8)
    assert pair.difference.mean == pytest.approx(0.375)
    assert pair.p_value == pytest.approx(2 * (1 + 5) / 2**5)
    # strata are on our record, and hold for the run without one
    by_stratum = {one.stratum: one.interval for one in found.accuracies if one.run == "plain"}
    assert by_stratum["duration=long"].mean == 0.25
    assert by_stratum["duration=short"].num_values == 4
    assert [place[1] for place in flipped(*runs, found.places)] == [1, 2, 5, 6, 7]

    text = markdown(runs, found)
    assert "| plain | 37.5 (" in text
    assert "frames, subtitles | frames, options |" in text
    assert "not for reporting: selected by clamr-nano, a toy" in text
    assert "| ours | 16 | 8 | 1.65 |" in text
    assert "| ours − plain | +37.5 (" in text
    assert "the questions are about 1 videos: intervals from so few are too narrow" in text


def test_questions_about_several_videos(tmp_path: Path, color_video: Path, color_selection: Selection) -> None:
    """Frames and seconds are of all of them, the page shows each, and a bootstrap draws them together."""
    other = shutil.copy(color_video, tmp_path / "other.mp4")
    both = [str(color_video), str(other)]
    plain = read_run(write_run(tmp_path / "plain", FIRST))
    ours = read_run(write_run(tmp_path / "ours", SECOND, selection=color_selection, videos=[*both, both[0]]))
    found = compare([plain, ours], num_resamples=50)

    assert [video_of(record) for record in ours.records[TASK, 0]] == both
    assert "| ours | 32 | 16 | 3.30 |" in markdown([plain, ours], found)
    assert "the questions are about 1 videos" in found.notes[-1]
    page = flips_page(plain, ours, found.places, max_flips=1)
    assert page.count("data:image/jpeg;base64,") == 2 * len(color_selection)


@pytest.mark.parametrize("log", ["ours/selections", "selections"])
def test_a_copied_run_is_read_where_it_lies(
    log: str, tmp_path: Path, color_selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was made, another run may lie by now."""
    monkeypatch.chdir(tmp_path)
    made = write_run(Path("ours"), FIRST, selection=color_selection)
    results = made / "m" / "2026_results.json"
    results.write_text(results.read_text(encoding="utf-8").replace("ours/selections", log), encoding="utf-8")
    copied = shutil.copytree(made, "copies/ours")
    file = made / "selections" / "selections-abc-rank0.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("What colour", "Which"), encoding="utf-8")

    assert {answer.prompt for answer in read_run(copied).answers.values()} == {QUESTION}
    assert {answer.prompt for answer in read_run(made).answers.values()} == {QUESTION.replace("What colour", "Which")}


@pytest.mark.parametrize(
    ("given", "name", "folder"),
    [
        ("out/even", None, "out/even"),
        ("even=out/even", "even", "out/even"),
        ("even=out/lr=1", "even", "out/lr=1"),
        ("lr=1", None, "lr=1"),
        ("lr=2", "lr", "2"),
    ],
)
def test_folders_whose_names_hold_an_equals_sign(
    given: str, name: str | None, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=1").mkdir()
    assert named_folder(given) == (name, folder)


def test_runs_that_read_different_words_are_not_paired(tmp_path: Path, color_selection: Selection) -> None:
    plain = read_run(write_run(tmp_path / "plain", FIRST))
    other = read_run(write_run(tmp_path / "ours", SECOND, selection=color_selection, prompt="subtitles\n" + QUESTION))

    found = compare([plain, other], num_resamples=50)
    assert found.pairings == ()
    assert "their answerers read different words in 8 of 8 questions" in found.notes[-1]
    assert compare([plain, other], allow_different_text=True, num_resamples=50).pairings


@pytest.mark.parametrize(
    "metric",
    [
        bool,
        float,
        lambda right: {"pred_answer": "A" if right else "B", "answer": "A"},
        lambda right: {"parsed_pred": "A" if right else "B", "answer": "A"},
        lambda right: {"pred": 1 if right else 0, "ground_truth": "1"},
        lambda right: {"acc": right},
    ],
)
def test_scores_in_every_form_that_tasks_give_them(metric: Any, tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", FIRST, metric=metric))

    assert [answer.correct for answer in run.answers.values()] == FIRST


def test_what_cannot_be_read_is_said(tmp_path: Path, color_selection: Selection) -> None:
    with pytest.raises(InputError, match="the results of 0 runs"):
        read_run(tmp_path)
    unknown = write_run(tmp_path / "unknown", FIRST, metric=lambda _: {"what": "?"})
    with pytest.raises(InputError, match="no score of question 0 in score_of_task"):
        read_run(unknown)
    moved = write_run(tmp_path / "moved", FIRST, selection=color_selection)
    (moved / "selections").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="which is not there; move it beside the results"):
        read_run(moved)
    run = read_run(write_run(tmp_path / "run", FIRST))
    with pytest.raises(InputError, match="names of their own"):
        compare([run, run])


def test_the_command_writes_report_plot_and_page(
    tmp_path: Path, color_selection: Selection, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page holds everything in itself, and what videos and models say is text, never markup."""
    write_run(tmp_path / "plain", FIRST)
    write_run(tmp_path / "ours", SECOND, selection=color_selection)
    page = tmp_path / "new" / "flips.html"
    command = ["eval", "report", f"even={tmp_path / 'plain'}", str(tmp_path / "ours")]

    assert main([*command, "--output", str(tmp_path / "out"), "--html", str(page), "--max-flips", "2"]) == 0
    assert (tmp_path / "out" / "report.md").read_text(encoding="utf-8") == capsys.readouterr().out
    assert (tmp_path / "out" / "report.png").stat().st_size > 10_000
    text = page.read_text(encoding="utf-8")
    assert "4 gained and 1 lost of 8 questions; 2 of 5 are shown" in text
    assert text.count("data:image/jpeg;base64,") == 2 * len(color_selection)
    assert "Blue &lt;b&gt;" in text
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    assert main([*command, str(tmp_path / "plain"), "--html", str(page)]) == 2
