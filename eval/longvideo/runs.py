"""What lmms-eval wrote about a run, and what we recorded of its frames."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError

Place = tuple[str, int]
"""(task, number of the document)"""
CORRECT_WITHIN = ("score", "acc", "exact_match")
PREDICTED_AND_RIGHT = (("pred_answer", "answer"), ("parsed_pred", "answer"), ("pred", "ground_truth"))


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
    records: Mapping[Place, Mapping[str, Any]] = field(default_factory=dict)
    """What was selected, where ``clamr_log`` was given."""

    @property
    def not_for_reporting(self) -> bool:
        """Selected by the embedded toy model."""
        return any(record.get("not_for_reporting") for record in self.records.values())

    def reads(self, who: str) -> str:
        """What ``selector`` or ``answerer`` read, for a column of a table."""
        found = sorted({", ".join(record[f"{who}_reads"]) for record in self.records.values()})
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
        for line in file.read_text(encoding="utf-8").splitlines():
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
        {place: _as_read(answer, records.get(place)) for place, answer in answers.items()},
        records,
    )


def read_records(model_args: str, *, near: Path) -> dict[Place, dict[str, Any]]:
    """The lines of the folder that ``clamr_log`` named, from here or beside the results; none where none was."""
    given = dict(part.split("=", 1) for part in model_args.split(",") if "=" in part)
    if "clamr_log" not in given:
        return {}
    log = Path(given["clamr_log"])
    folder = next((place for place in (log, near / log, near.parent / log.name) if place.is_dir()), None)
    if folder is None:
        raise InputError(f"{near} was run with clamr_log={log}, which is not there; move it beside the results")
    files = sorted(folder.glob("selections-*.jsonl"))
    digests = {file.name.split("-")[1] for file in files}
    if len(digests) > 1:
        raise InputError(
            f"{folder} holds records of {len(digests)} different settings; give each run its own clamr_log"
        )
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return {(row["task"], int(row["doc_id"])): row for row in rows}


def _as_read(answer: Answer, record: Mapping[str, Any] | None) -> Answer:
    """With the words that reached the base: lmms-eval's log has the prompt it writes for unknown names."""
    return answer if record is None else replace(answer, prompt=str(record["answerer_text"]))


def _answer(sample: Mapping[str, Any], metrics: list[str], *, file: Path) -> Answer:
    response = sample["filtered_resps"]
    while isinstance(response, list) and response:
        response = response[0]
    correct = next((found for name in metrics if (found := _correct(sample.get(name))) is not None), None)
    if correct is None:
        raise InputError(f"{file}: no score of question {sample['doc_id']} in {', '.join(metrics) or 'no metric'}")
    return Answer(correct, str(response), str(sample.get("target", "")), str(sample.get("input", "")))


def _correct(value: Any) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value)
    if not isinstance(value, Mapping):
        return None
    for name in CORRECT_WITHIN:
        if isinstance(value.get(name), bool | int | float):
            return float(value[name])
    for predicted, right in PREDICTED_AND_RIGHT:
        if predicted in value and right in value:
            return float(str(value[predicted]).strip() == str(value[right]).strip())
    return None
