"""What one video of one question becomes, and whether it arrived."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from clamr_select.errors import InputError
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    from clamr_select.handoff.consumers import TimeChannel
    from clamr_select.handoff.pairing import Emission

__all__ = ["Arm", "FramePlan", "Pair"]

Arm = Literal["select", "uniform", "cached"]


@dataclass(eq=False)
class FramePlan:
    """Frames for one video and one question, made before the base generates."""

    video: str
    query: str
    arm: Arm
    selection: Selection | None
    """None for ``uniform``: which frames those are is known when the base reads them."""
    num_frames: int
    """The base gets, repeated ones counted."""
    pair: Pair
    num_issued: int = 0
    """Times it was put into a request."""
    num_consumed: int = 0
    """Times its frames were handed over."""
    read_indices: tuple[int, ...] = ()
    """Source frames that were handed over last, in order."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def selected(self) -> Selection:
        """Raises:
        InputError: nothing was selected: the base samples uniformly itself.
        """
        if self.selection is None:
            raise InputError(f"no frames of {self.video} were selected; the base samples them itself")
        return self.selection

    def emission(self, *, fuses: bool) -> tuple[Emission, TimeChannel]:
        """Which frames in which order, for a base that fuses two of them or none; errors as :attr:`selected`."""
        from clamr_select.handoff.consumers import UNKNOWN, TimeChannel
        from clamr_select.handoff.pairing import plan_emission

        channel = UNKNOWN if fuses else TimeChannel("this model", "each")
        return plan_emission(self.selected, channel, pair=self.pair), channel

    def issued(self) -> None:
        with self._lock:
            self.num_issued += 1

    def consumed(self, frame_indices: tuple[int, ...]) -> None:
        with self._lock:
            self.num_consumed += 1
            self.read_indices = frame_indices
