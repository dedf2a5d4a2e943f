"""``Answer``: what a vision-language model said, to which frames, and what was sent to it. Data only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from clamr_select.answer.openai_client import Fallback
from clamr_select.selection import Selection, SelectionWarning


@dataclass(frozen=True)
class Usage:
    """Tokens, counted by the model's own tokenizer; frames are tokens too."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Evidence:
    """One selected frame, and the words around it."""

    timestamp_seconds: float
    frame_index: int
    score: float
    modality: str
    """The modality that answered best."""
    words: dict[str, str]
    """Modality to the words around the frame, quoted as they were read or heard."""


@dataclass(frozen=True)
class Answer:
    """One question's answer, with all it rests on."""

    question: str
    text: str | None
    """What the model said, unchanged; None where no model was configured."""
    selection: Selection
    """The frames the question was asked about."""
    options: tuple[str, ...] = ()
    choice: str | None = None
    """Letter of the option that ``text`` chooses; None where it says none in an accepted form, or none was asked."""
    vlm: str | None = None
    prompt: tuple[dict[str, Any], ...] = ()
    """The messages that were sent, with a placeholder for each image or video."""
    usage: Usage | None = None
    """None where the server does not count."""
    finish_reason: str | None = None
    """``stop``, or ``length`` where ``max_new_tokens`` cut the text."""
    timings_seconds: dict[str, float] = field(default_factory=dict)
    """Stage to wall seconds: ``index`` (only when the video was indexed for this question), ``select``,
    ``first_piece`` (from the request to the first piece of text) and ``answer`` (to the last)."""
    fallback: Fallback | None = None
    warnings: tuple[SelectionWarning, ...] = ()
    """Those of the selection, then those of the answer."""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The selected frames in time order, with their words."""
        return evidence(self.selection)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; of the selection all but the scores of frames that were not selected."""
        plain = {
            **{name: value for name, value in vars(self).items() if name not in ("selection", "fallback", "usage")},
            "options": list(self.options),
            "prompt": list(self.prompt),
            "usage": asdict(self.usage) if self.usage else None,
            "fallback": asdict(self.fallback) if self.fallback else None,
            "warnings": [asdict(warning) for warning in self.warnings],
            "selection": self.selection.to_dict(include_candidates=False),
        }
        return plain


def evidence(selection: Selection) -> tuple[Evidence, ...]:
    """A selection, frame by frame."""
    columns = (
        selection.timestamps_seconds,
        selection.frame_indices,
        selection.scores,
        selection.modality,
        selection.text,
    )
    return tuple(Evidence(*row) for row in zip(*columns, strict=True))


def warnings_of(selection: Selection, notes: Sequence[tuple[str, str]]) -> tuple[SelectionWarning, ...]:
    """A selection's warnings and those of the answer, (code, message) each."""
    return (*selection.warnings, *(SelectionWarning(*note) for note in notes))
