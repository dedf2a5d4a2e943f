"""What lmms-eval wrote about a run, and what we recorded of its frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.text_lines import numbered_lines

Place = tuple[str, int]
"""(task, number of the document)"""
Record = Mapping[str, Any]
"""A line of ``clamr_log``: one video of one question."""
CORRECT_WITHIN = ("score", "acc", "exact_match")
PREDICTED_AND_RIGHT = (("pred_answer", "answer"), ("parsed_pred", "answer"), ("pred", "ground_truth"))
JUDGED_IN = ("acc", "Correctness", "correctness")
"""moviechat and FALCON-Bench, activitynetqa, cvrr"""
JUDGEMENTS = {"yes": 1.0, "no": 0.0, "correct": 1.0, "incorrect": 0.0}


@dataclass(frozen=True)
class Answer:
    """What one run answered to one question."""

    correct: float
    """0..1, as the task scores it."""
    text: str
    target: str
    prompt: str
    """The words the answerer read, without the frames."""


@dataclass(frozen=True)
class Run:
    name: str
    folder: Path
    model: str
    model_args: str
    answers: Mapping[Place, Answer]
    records: Mapping[Place, Sequence[Record]] = field(default_factory=dict)
    """What was selected of each of a question's videos, where ``clamr_log`` was given."""

    @property
    def all_records(self) -> list[Record]:
        return [record for records in self.records.values() for record in records]

    @property
    def not_for_reporting(self) -> bool:
        """Selected by the embedded toy model."""
        return any(record.get("not_for_reporting") for record in self.all_records)

    def reads(self, who: str) -> str:
        """What ``selector`` or ``answerer`` read, for a column of a table."""
        found = sorted({", ".join(record[f"{who}_reads"]) for record in self.all_records})
        return "; ".join(one or "nothing" for one in found) if found else "not recorded"


def read_run(folder: str | Path, *, name: str | None = None) -> Run:
    """Read one run from its ``--output_path``; it needs ``--log_samples``.

    Raises:
        InputError: no results there, or of several runs; no samples; a sample whose score is not understood.
    """
    root = Path(folder)
    results = sorted(root.rglob("*_results.json"))
    if len(results) != 1:
        raise InputError(f"{root} holds the results of {len(results)} runs; give each run an --output_path of its own")
    report = json.loads(results[0].read_text(encoding="utf-8"))
    prefix = results[0].name.removesuffix("_results.json")
    answers: dict[Place, Answer] = {}
    for file in sorted(results[0].parent.glob(f"{prefix}_samples_*.jsonl")):
        task = file.stem.removeprefix(f"{prefix}_samples_")
        metrics = list(report["higher_is_better"].get(task, {})) or list(report["results"].get(task, {}))
        for _, line in numbered_lines(file):
            sample = json.loads(line)
            answers[(task, int(sample["doc_id"]))] = _answer(sample, metrics, file=file)
    if not answers:
        raise InputError(f"{root} has no samples: run lmms-eval with --log_samples")
    config = report["config"]
    arguments = config["model_args"]
    if isinstance(arguments, dict):
        arguments = ",".join(f"{key}={value}" for key, value in arguments.items())
    records = read_records(arguments, near=root)
    return Run(
        name or root.name,
        root,
        str(config["model"]),
        str(arguments),
        {place: _as_read(answer, records.get(place, ())) for place, answer in answers.items()},
        records,
    )


def read_records(model_args: str, *, near: Path) -> dict[Place, list[Record]]:
    """The lines of the folder that ``clamr_log`` named, from beside the results or from there; none where none was.

    Of a question that was asked again, the last line about each of its videos counts.
    """
    given = dict(part.split("=", 1) for part in model_args.split(",") if "=" in part)
    if "clamr_log" not in given:
        return {}
    log = Path(given["clamr_log"])
    # first with the results: at the place that was named another run may lie by now
    places = (near / log.name, log, near / log, near.parent / log.name)
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise InputError(f"{near} was run with clamr_log={log}, which is not there; move it beside the results")
    files = sorted(folder.glob("selections-*.jsonl"))
    digests = {file.name.split("-")[1] for file in files}
    if len(digests) > 1:
        raise InputError(
            f"{folder} holds records of {len(digests)} different settings; give each run its own clamr_log"
        )
    last: dict[Place, dict[str, Record]] = {}
    for row in (json.loads(line) for file in files for _, line in numbered_lines(file)):
        last.setdefault((row["task"], int(row["doc_id"])), {})[video_of(row)] = row
    return {place: list(by_video.values()) for place, by_video in last.items()}


def video_of(record: Record) -> str:
    """Path of its video."""
    return str((record.get("selection") or record).get("video", ""))


def _as_read(answer: Answer, records: Sequence[Record]) -> Answer:
    """With the words that reached the base: lmms-eval's log has the prompt it writes for unknown names."""
    return replace(answer, prompt=str(records[0]["answerer_text"])) if records else answer


def _answer(sample: Mapping[str, Any], metrics: list[str], *, file: Path) -> Answer:
    response = sample["filtered_resps"]
    while isinstance(response, list) and response:
        response = response[0]
    values = [sample.get(name) for name in metrics]
    # a judgement first: beside it may stand a grade of 0..5, of which 1 is no full mark
    found = [*map(_judged, values), *map(_correct, values)]
    correct = next((one for one in found if one is not None), None)
    if correct is None:
        raise InputError(f"{file}: no score of question {sample['doc_id']} in {', '.join(metrics) or 'no metric'}")
    return Answer(correct, str(response), str(sample.get("target", "")), str(sample.get("input", "")))


def _correct(value: Any) -> float | None:
    """0..1 of one metric of one sample; None where it says nothing of that kind, as a grade of 0..5."""
    if not isinstance(value, Mapping):
        return _share(value)
    for name in CORRECT_WITHIN:
        if (share := _share(value.get(name))) is not None:
            return share
    for predicted, right in PREDICTED_AND_RIGHT:
        if predicted in value and right in value:
            return float(_is_right(value[predicted], value[right]))
    return None


def _judged(value: Any) -> float | None:
    """What a judge said of a sample, ``{"acc": "yes"}``."""
    if not isinstance(value, Mapping):
        return None
    said = (str(value.get(name)).strip().lower() for name in JUDGED_IN)
    return next((JUDGEMENTS[word] for word in said if word in JUDGEMENTS), None)


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, bool | int | float) and 0 <= value <= 1 else None


def _is_right(predicted: Any, right: Any) -> bool:
    if isinstance(predicted, list):
        return open_answer_is_right(predicted, right)
    return str(predicted).strip() == str(right).strip()


def open_answer_is_right(predicted: Sequence[str | float], right: Any) -> bool:
    """Whether any number of an open answer is the right one, or any text of it contains the right one.

    The rule of ``eval_open`` in lmms-eval 0.7.3 (tasks/videommmu/utils.py, from MMMU), whose parser made ``predicted``.

    Args:
        predicted: numbers, and texts in lower case.
        right: the answer, or a list of those that are right.
    """
    forms = [form for one in (right if isinstance(right, list) else [right]) for form in _forms(str(one))]
    texts = [form for form in forms if isinstance(form, str)]
    return any(any(text in one for text in texts) if isinstance(one, str) else one in forms for one in predicted)


def _forms(right: str) -> tuple[str | float, ...]:
    """What of an answer is looked for: its number to two places, or its text in lower case."""
    try:
        return (round(float(right.replace(",", "")), 2),)
    except ValueError:
        text = right.strip().lower()
    # a letter alone stands in almost every text
    return (f" {text}", f"{text} ") if len(text) == 1 else (text,)
