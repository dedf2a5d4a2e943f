"""What one visitor has: a video, and the questions so far. Nothing of it is reachable from another session."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from clamr_select.answer.vlm import Turn
from clamr_select.demo.examples import Example
from clamr_select.demo.indexes import Source
from clamr_select.demo.views.conversation import TurnView

MAX_TURNS = 30
"""Shown; older ones leave the page."""
MAX_TURNS_SENT = 3
"""Earlier turns that the VLM is sent again: frames are many tokens."""


@dataclass
class Session:
    """Kept by Gradio for one browser tab."""

    source: Source | None = None
    example: Example | None = None
    turns: list[TurnView] = field(default_factory=list)
    span: tuple[float, float] | None = None
    """The part of the video that is searched, in seconds; None is all of it."""
    said: list[Turn] = field(default_factory=list)
    """Answered turns, for the VLM."""

    def add(self, turn: TurnView) -> TurnView:
        self.turns = [*self.turns, turn][-MAX_TURNS:]
        return turn

    def remember(self, turn: Turn) -> None:
        self.said = [*self.said, turn][-MAX_TURNS_SENT:]

    def choose_span(self, start: object, end: object) -> None:
        """The part of the video to search from now on; anything that is no span of seconds is the whole video."""
        numbers = [float(edge) for edge in (start, end) if isinstance(edge, int | float) and math.isfinite(edge)]
        self.span = (min(numbers), max(numbers)) if len(numbers) == 2 else None

    @property
    def is_busy(self) -> bool:
        """Whether the last question is being worked on."""
        return bool(self.turns) and self.turns[-1].state not in ("done", "error")

    def end(self, reason: str, *, in_place_of: str | None = None) -> None:
        """The last question was stopped, or ended in an error that nobody foresaw.

        Args:
            in_place_of: a reason that a question may have ended for already, and that this one corrects.
        """
        if self.is_busy or (in_place_of is not None and self.turns and self.turns[-1].error == in_place_of):
            self.turns[-1].state, self.turns[-1].error = "error", reason
