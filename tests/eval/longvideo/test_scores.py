"""What lmms-eval's tasks log of a sample, read as right or wrong the way that each task counts it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clamr_select.errors import InputError
from clamr_select.eval.longvideo.runs import Run, open_answer_is_right, read_run

TASK = "moviechat_global"
ReadSample = Callable[..., Run]


@pytest.fixture
def read_sample(tmp_path: Path) -> ReadSample:
    """A run of one sample, with these metrics, as lmms-eval 0.7.3 logs it."""

    def read(metrics: dict[str, Any], *, prompt: str = "Who?", arguments: str = "x=1") -> Run:
        config = {"model": "m", "model_args": arguments}
        names = dict.fromkeys(metrics, True)
        report = {"results": {TASK: {}}, "higher_is_better": {TASK: names}, "config": config}
        sample = {"doc_id": 0, "filtered_resps": ["A"], "target": "A", "input": prompt, **metrics}
        (tmp_path / "2026_results.json").write_text(json.dumps(report), encoding="utf-8")
        line = json.dumps(sample, ensure_ascii=False) + "\n"
        (tmp_path / f"2026_samples_{TASK}.jsonl").write_text(line, encoding="utf-8")
        return read_run(tmp_path)

    return read


def correct(run: Run) -> float:
    return run.answers[(TASK, 0)].correct


@pytest.mark.parametrize(("said", "right"), [("yes", 1.0), ("no", 0.0), ("Yes ", 1.0)])
@pytest.mark.parametrize("grade", [0, 1, 4])
def test_a_judgement_counts_and_the_grade_beside_it_does_not(
    grade: int, said: str, right: float, read_sample: ReadSample
) -> None:
    """moviechat grades 0..5, where 1 is a bad answer."""
    metrics = {"gpt_eval_score": {"pred": "a", "score": grade}, "gpt_eval_acc": {"pred": "a", "acc": said}}

    assert correct(read_sample(metrics)) == right


@pytest.mark.parametrize(
    ("name", "said", "right"),
    [
        ("Correctness", "yes", 1.0),  # activitynetqa
        ("Correctness", "no", 0.0),
        ("correctness", "correct", 1.0),  # cvrr
        ("correctness", "incorrect", 0.0),
    ],
)
@pytest.mark.parametrize("grade", [0, 1, 4])
def test_judges_that_call_it_otherwise(grade: int, name: str, said: str, right: float, read_sample: ReadSample) -> None:
    judged = {"pred": "a", name: said, "score": grade}

    assert correct(read_sample({"gpt_eval_score": judged, "gpt_eval_accuracy": judged})) == right


@pytest.mark.parametrize("value", [4, -1, float("nan"), {"score": 4}, {"acc": "perhaps"}, {"acc": 70.0}])
def test_what_is_no_share_is_not_taken_for_one(value: Any, read_sample: ReadSample) -> None:
    assert correct(read_sample({"grade": value, "exact_match": 0.5})) == 0.5
    with pytest.raises(InputError, match="no score of question 0 in grade"):
        read_sample({"grade": value})


@pytest.mark.parametrize(
    ("predicted", "answer", "right"),
    [
        ([3.5, "3.5"], "3.5", True),
        (["3.5"], "3.5", False),  # a number has to be one
        ([1234.0], "1,234", True),
        ([0.33], "0.333", True),
        ([3.5, "3.5 m"], "4", False),
        (["the red cart"], "Red Cart", True),
        (["red"], "red cart", False),
        (["point b is it"], "B", True),
        (["absorbs"], "B", False),  # a letter within a word
        (["blue"], ["red", "blue"], True),
        ([], "red", False),
    ],
)
def test_open_questions(predicted: list[str | float], answer: Any, right: bool, read_sample: ReadSample) -> None:
    run = read_sample({"mmmu_acc": {"question_type": "open", "parsed_pred": predicted, "answer": answer}})

    assert correct(run) == float(right)


def test_open_questions_as_lmms_eval_judges_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))  # it is read on import
    utils = pytest.importorskip("lmms_eval.tasks.videommmu.utils")
    responses = ["The answer is 3.5.", "So it is B", "about 1,234 or 2e3", "It must be the Red Cart!", "x = 7"]
    for response in responses:
        predicted = utils.parse_open_response(response)
        for answer in ("3.5", "B", "1234", "2000", "red cart", "7", "cart", "a"):
            assert open_answer_is_right(predicted, answer) == utils.eval_open(answer, predicted)


@pytest.mark.parametrize("character", ["\u2028", "\u0085"])
def test_ends_of_lines_that_json_leaves_in_texts(character: str, read_sample: ReadSample, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    record = {"task": TASK, "doc_id": 0, "answerer_text": f"Who{character}?"}
    line = json.dumps(record, ensure_ascii=False) + "\n"
    (log / "selections-abc-rank0.jsonl").write_text(line, encoding="utf-8")
    run = read_sample({"acc": 1}, prompt=f"Who{character}?", arguments=f"clamr_log={log}")

    assert run.answers[(TASK, 0)].prompt == f"Who{character}?"
