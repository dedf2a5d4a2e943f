"""The barcode task: which numbers are on screen while a word is spoken? And how lmms-eval reads its documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clamr_select.eval.longvideo.smoke.barcodes import BarcodeVideo

QUESTIONS_PER_VIDEO = 4
LETTERS = "ABCD"
TASK = """\
task: barcodes
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: generate_until
doc_to_visual: !function clamr_select.eval.longvideo.smoke.local_task.doc_to_visual
doc_to_text: !function clamr_select.eval.longvideo.smoke.local_task.doc_to_text
doc_to_target: answer
process_results: !function clamr_select.eval.longvideo.smoke.local_task.process_results
generation_kwargs:
  max_new_tokens: 4
  temperature: 0
  do_sample: false
metric_list:
  - metric: accuracy
    aggregation: mean
    higher_is_better: true
lmms_eval_specific_kwargs:
  default:
    post_prompt: "Answer with the letter."
  qwen3_vl:
    post_prompt: "Answer with the option letter only."
metadata:
  version: 1.0
"""


def documents(video: BarcodeVideo, *, path: str) -> list[dict[str, Any]]:
    """Four questions about one video; the right answers are A, B, C and D."""
    docs = []
    for number in range(QUESTIONS_PER_VIDEO):
        asked = video.stretches[number]
        others = [stretch for stretch in video.stretches if stretch is not asked][:3]
        shown = [*others[:number], asked, *others[number:]]
        docs.append(
            {
                "id": f"{video.name}-{number}",
                "video": path,
                "question": f"Which numbers are on screen while the speaker comes to the {asked.word}?",
                "options": [f"{letter}. {stretch.name}" for letter, stretch in zip(LETTERS, shown, strict=True)],
                "answer": LETTERS[number],
                "duration": "short",
                "task_type": "speech and picture",
            }
        )
    return docs


def doc_to_visual(doc: Mapping[str, Any]) -> list[str]:
    return [doc["video"]]


def doc_to_text(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> str:
    return "\n".join([doc["question"], *doc["options"], (lmms_eval_specific_kwargs or {}).get("post_prompt", "")])


def process_results(doc: Mapping[str, Any], results: list[str]) -> dict[str, float]:
    return {"accuracy": float(results[0].strip()[:1] == doc["answer"])}
