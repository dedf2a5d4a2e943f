"""The questions so far, with what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from clamr_select.answer import evidence
from clamr_select.answer.cited_times import split_cited_times
from clamr_select.demo.views.speech import TOLD_HERE
from clamr_select.demo.working import Stages
from clamr_select.indexing.coarse_to_fine.skimmed_video import NOT_ALL_SEEN
from clamr_select.indexing.progress import HEARING
from clamr_select.selection import Selection, SelectionWarning
from clamr_select.time_format import format_time

State = Literal["waiting", "indexing", "answering", "done", "error"]
STAGE_NAMES = {
    HEARING: "Hearing speech",
    "decoding": "Decoding frames",
    "reading text": "Reading text on screen",
    "encoding": "Encoding",
}
NO_VLM = "No VLM is set, so nothing is answered in words. This is the evidence that a model would see:"
WORK = {"asr": "hear", "decode": "decode", "ocr": "read", "encode": "encode"}
"""Timings of a selection, in the order of the work."""
MAX_EVIDENCE = 4
TOLD_ELSEWHERE = {"no_vlm", NOT_ALL_SEEN, *TOLD_HERE}


@dataclass
class TurnView:
    """One question as the page shows it."""

    question: str
    state: State = "waiting"
    stages: Stages = field(default_factory=dict)
    note: str = ""
    """How long it took, and of what."""
    text: str = ""
    """What the VLM has said so far."""
    error: str = ""
    speech: dict[str, Any] | None = None
    """From :func:`clamr_select.demo.views.speech.speech_view`."""
    selection: Selection | None = None
    has_vlm: bool = False
    span: tuple[float, float] | None = None
    is_stopped: bool = False
    """The visitor does not want it any more; whoever works on it sees this and ends."""

    @property
    def is_busy(self) -> bool:
        """Whether it is being worked on."""
        return self.state not in ("done", "error")

    def end(self, reason: str) -> None:
        """Without an answer."""
        self.state, self.error = "error", reason

    def to_json(self) -> dict[str, Any]:
        warnings = () if self.selection is None else self.selection.warnings
        return {
            "question": self.question,
            "state": self.state,
            "stages": [
                {"name": stage_name(n), "done": d, "total": t, "unit": stage_unit(n)}
                for n, (d, t) in self.stages.items()
            ],
            "speech": self.speech,
            "note": self.note,
            "answer": split_cited_times(self.text, self.selection) if self.selection is not None else [],
            "evidence": [] if self.has_vlm or self.selection is None else _evidence(self.selection),
            "lead": "" if self.has_vlm or self.selection is None else NO_VLM,
            "error": self.error,
            "span": None if self.span is None else " to ".join(format_time(s, decimals=0) for s in self.span),
            "start": 0.0 if self.selection is None else self.selection.video_facts.start_seconds,
            "warnings": [warning.message for warning in _told(warnings)],
        }


def conversation_view(turns: Sequence[TurnView]) -> list[dict[str, Any]]:
    """Oldest first."""
    return [turn.to_json() for turn in turns]


def stage_name(stage: str) -> str:
    """Of a stage of indexing, as people say it."""
    return STAGE_NAMES.get(stage, stage.capitalize())


def stage_unit(stage: str) -> str:
    """What a stage counts."""
    return "seconds" if stage == HEARING else "frames"


def timing_note(selection: Selection, *, was_kept: bool, wall_seconds: float) -> str:
    """What was done for a question, and how long it took."""
    num_candidates = selection.method["num_candidates"]
    if "effort" in selection.method:
        return _effort_note(selection, wall_seconds=wall_seconds)
    if was_kept:
        return (
            f"Answered from the index in {duration_text(wall_seconds)}: {num_candidates} frames compared, "
            "none decoded or encoded again."
        )
    stages = selection.timings_seconds
    if "decode" not in stages:
        return f"Index of {num_candidates} frames read from disk in {duration_text(wall_seconds)}: it was made earlier."
    parts = [f"{name} {duration_text(stages[stage])}" for stage, name in WORK.items() if stage in stages]
    return (
        f"Indexed {num_candidates} frames in {duration_text(wall_seconds)} ({', '.join(parts)}). "
        "Every further question is instant."
    )


def _effort_note(selection: Selection, *, wall_seconds: float) -> str:
    """What was skipped."""
    method, took = selection.method, duration_text(wall_seconds)
    seen, total, effort = method["num_candidates_seen"], method["num_candidates"], method["effort"]
    closely = f"{method['num_candidates_with_words']} of them closely, with their words"
    if seen == total == method["num_candidates_with_words"]:
        return f"Looked at all {total} frames in {took}: this video is short, and {effort} leaves nothing out."
    return (
        f"Looked at {seen} of {total} frames in {took} ({effort}), {closely}; the {total - seen} others could not be "
        "selected. Another question looks closely elsewhere."
    )


def duration_text(seconds: float) -> str:
    """Milliseconds below a second."""
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _evidence(selection: Selection) -> list[dict[str, Any]]:
    """The best frames with the words that answer, best first."""
    numbered = sorted(enumerate(evidence(selection), start=1), key=lambda item: -item[1].score)[:MAX_EVIDENCE]
    return [
        {
            "time": item.timestamp_seconds,
            "label": format_time(item.timestamp_seconds),
            "modality": item.modality,
            "words": " / ".join(item.words.get(item.modality, f"frame {number} below").split("\n")),
        }
        for number, item in numbered
    ]


def _told(warnings: Sequence[SelectionWarning]) -> list[SelectionWarning]:
    return [warning for warning in warnings if warning.code not in TOLD_ELSEWHERE]
