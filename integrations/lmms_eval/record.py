"""What every request got, one JSON line each, for reports: lmms-eval's own log has no place for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clamr_select import __version__
from clamr_select.integrations.lmms_eval.plan import FramePlan
from clamr_select.text_lines import cut_torn_line

if TYPE_CHECKING:
    from clamr_select.integrations.lmms_eval.asking import Asked
    from clamr_select.integrations.lmms_eval.sampler import Sampler

SCHEMA_VERSION = 1
NOT_FOR_REPORTING = "clamr-nano"


def write_records(asked: Sequence[Asked], *, sampler: Sampler, folder: Path) -> Path:
    """Append to the file of this process; a request that is asked again is written again, and the last line counts.

    A line that a killed run left half written is taken out first: its request is asked again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"selections-{sampler.options.digest()}-rank{sampler.model.rank}.jsonl"
    cut_torn_line(file)
    with file.open("a", encoding="utf-8") as lines:
        for one in asked:
            for plan in one.plans:
                lines.write(json.dumps(record_of(one, plan, sampler=sampler), ensure_ascii=False) + "\n")
    return file


def record_of(one: Asked, plan: FramePlan, *, sampler: Sampler) -> dict[str, Any]:
    """One line: where it belongs, what was selected by what, and what the base was handed."""
    selection = plan.selection
    options = sampler.options
    return {
        "schema_version": SCHEMA_VERSION,
        "clamr_select": __version__,
        "task": one.request.task_name,
        "doc_id": one.request.doc_id,
        "ids": list(one.ids),
        "base": sampler.name,
        "arm": plan.arm,
        # by the selection itself: one of a file was made by a model too
        "not_for_reporting": selection is not None and selection.method.get("model") == NOT_FOR_REPORTING,
        "options": options.selecting(),
        "source": {} if sampler.source is None else dict(sampler.source.describe()),
        "emit": sampler.emitter.form,
        "emitted_frame_indices": list(plan.read_indices),
        "selector_reads": _selector_reads(one, plan),
        "answerer_reads": ["frames", *one.adapter.answerer_reads, *(["options"] if one.question.options else [])],
        "answerer_text": sampler.answerer_text(one),
        "strata": dict(one.question.strata),
        "selection": None if selection is None else selection.to_dict(include_candidates=False),
        **({"video": plan.video, "frame_times_seconds": list(_times(plan))} if selection is None else {}),
    }


def _selector_reads(one: Asked, plan: FramePlan) -> list[str]:
    if plan.selection is None:
        return []
    method = plan.selection.method
    scored = set(method.get("modalities") or ())
    reads = ["frames"] if not scored or "video" in scored else []
    # what is not scored still stands beside the frames of its window while they are encoded
    reads += ["subtitles"] if method.get("asr", "off") not in ("off", None, "none") else []
    reads += ["screen text"] if method.get("ocr", "off") not in ("off", None) else []
    reads += ["sound"] if method.get("audio", "off") not in ("off", None) else []
    return reads + (["options"] if "\n" in plan.query and one.question.options else [])


def _times(plan: FramePlan) -> Iterator[float]:
    from clamr_select.video import open_video

    if not plan.read_indices:
        return
    with open_video(plan.video) as reader:
        clock = reader.timestamps_seconds
        yield from (float(clock[min(index, len(clock) - 1)]) for index in plan.read_indices)
