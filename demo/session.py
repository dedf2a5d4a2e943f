"""What one visitor has: a video, and the questions so far. Nothing of it is reachable from another session."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from clamr_select.answer.vlm import Turn
from clamr_select.demo.examples import Example
from clamr_select.demo.indexes import Source
from clamr_select.demo.messages import STOPPED, UNEXPECTED
from clamr_select.demo.views.conversation import TurnView

MAX_TURNS = 30
"""Shown; older ones leave the page."""
MAX_TURNS_SENT = 3
"""Earlier turns that the VLM is sent again: frames are many tokens."""


@dataclass
class Session:
    """Kept by Gradio for one browser tab: one object from the first question to the last, whatever runs at once."""

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
        return bool(self.turns) and self.turns[-1].is_busy

    def stop(self) -> None:
        """The last question is not to be worked on any more."""
        if self.is_busy:
            self.turns[-1].is_stopped = True
            self.turns[-1].end(STOPPED)

    def fail(self) -> None:
        """The last question ended in an error that nobody foresaw."""
        if self.is_busy:
            self.turns[-1].end(UNEXPECTED)

    def begin(self, source: Source | None, example: Example | None = None) -> None:
        """Another video, or none: nothing was asked about it yet, and what is worked on is for nobody."""
        if self.turns:
            self.turns[-1].is_stopped = True
        self.source, self.example = source, example
        self.turns, self.span, self.said = [], None, []

    def has(self, turn: TurnView) -> bool:
        """Whether a question is still on the page."""
        return any(turn is shown for shown in self.turns)
