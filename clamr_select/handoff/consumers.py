"""What each consumer makes of the frames' times: how many frames it fuses, and which seconds it then shows."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from clamr_select.errors import InputError
from clamr_select.handoff.timeline import Clock

Shown = Literal["mean", "first", "each", "interval", "nothing"]
"""``mean`` of the first and last fused frame; the ``first`` fused frame; ``each`` frame; one ``interval`` for the
whole video, counted from 0; or ``nothing`` at all."""
Unit = Literal["tenths", "seconds_cut", "seconds_rounded"]


@dataclass(frozen=True)
class TimeChannel:
    """How a consumer turns ``video_metadata`` into what its model reads."""

    name: str
    shown: Shown
    num_fused: int = 1
    """Consecutive frames that become one visual patch."""
    unit: Unit = "tenths"
    clock: Clock = "auto"

    @property
    def mixes_times(self) -> bool:
        """Whether different moments would be fused under one time, or under none."""
        return self.num_fused > 1 and self.shown != "each"


# Read from the processors of transformers 5.24; the contract tests run those that can be built small.
_SHOWN: dict[str, tuple[Shown, Unit, Clock]] = {
    "Qwen3VLProcessor": ("mean", "tenths", "auto"),  # Qwen3-VL, Qwen3.5
    "Cosmos3EdgeProcessor": ("mean", "tenths", "auto"),
    "CohereCompassProcessor": ("mean", "tenths", "auto"),
    "Lfm3VlProcessor": ("mean", "tenths", "auto"),
    "Glm46VProcessor": ("first", "tenths", "auto"),
    "Glm5NextProcessor": ("first", "tenths", "auto"),
    "Glm4vProcessor": ("first", "seconds_cut", "auto"),
    "Kimi_K25Processor": ("first", "tenths", "auto"),
    "MiniMaxM3VLProcessor": ("first", "tenths", "auto"),
    "MuseGlimmerProcessor": ("first", "tenths", "auto"),
    "MuseSparkProcessor": ("first", "tenths", "auto"),
    "NemotronH_Omni_Reasoning_V3Processor": ("each", "tenths", "milliseconds"),
    "VideoLlama3Processor": ("each", "tenths", "auto"),
    "Molmo2Processor": ("each", "tenths", "auto"),
    "SmolVLMProcessor": ("each", "seconds_cut", "auto"),
    "Gemma4Processor": ("each", "seconds_cut", "auto"),
    "Gemma4UnifiedProcessor": ("each", "seconds_cut", "auto"),
    "EmbeddingGemma2Processor": ("each", "seconds_rounded", "auto"),
    "Qwen2_5_VLProcessor": ("interval", "tenths", "auto"),
    "Qwen2_5OmniProcessor": ("interval", "tenths", "auto"),
    "Qwen3OmniMoeProcessor": ("interval", "tenths", "auto"),
}
UNKNOWN = TimeChannel("a model that fuses two frames, as Qwen3-VL and GLM-4.6V do,", "mean", num_fused=2)
"""Assumed where the consumer is not known: what is right for it is right for those that do not fuse."""


def time_channel(processor: Any | None) -> TimeChannel:
    """The time channel of a transformers processor; :data:`UNKNOWN` without one.

    A class that is not in the table is taken to write the mean of what it fuses if it fuses frames, and to
    write no times otherwise.

    Raises:
        InputError: it is no processor, but the name of one.
    """
    if processor is None:
        return UNKNOWN
    if isinstance(processor, str | bytes | os.PathLike):
        raise InputError(
            f"processor must be a transformers processor, got {processor!r}; load it: AutoProcessor.from_pretrained(…)"
        )
    video_processor = getattr(processor, "video_processor", None) or processor
    num_fused = int(getattr(video_processor, "temporal_patch_size", None) or 1)
    for cls in type(processor).__mro__:
        if cls.__name__ in _SHOWN:
            shown, unit, clock = _SHOWN[cls.__name__]
            return TimeChannel(type(processor).__name__, shown, num_fused, unit, clock)
    return TimeChannel(type(processor).__name__, "nothing", num_fused)


def shown_seconds(timestamps_seconds: Sequence[float], channel: TimeChannel) -> list[float | None]:
    """What the consumer shows for each emitted frame, before it rounds to tenths; None where it shows nothing.

    Args:
        timestamps_seconds: of the emitted frames in order.
    """
    times = list(timestamps_seconds)
    if channel.shown == "nothing":
        return [None] * len(times)
    if channel.shown == "each":
        return [_in_unit(seconds, channel.unit) for seconds in times]
    size = channel.num_fused
    starts = range(0, len(times), size)
    if channel.shown == "interval":
        step = interval_seconds(times, num_fused=size)
        shown = [number * step for number in range(len(starts))]
    else:
        ends = {"first": 0, "mean": size - 1}[channel.shown]
        shown = [(times[start] + times[min(start + ends, len(times) - 1)]) / 2 for start in starts]
    return [_in_unit(shown[place // size], channel.unit) for place in range(len(times))]


def interval_seconds(timestamps_seconds: Sequence[float], *, num_fused: int) -> float:
    """Mean distance of the fused groups: the one interval that fits best; 1 for a single group."""
    firsts = list(timestamps_seconds[::num_fused])
    return (firsts[-1] - firsts[0]) / (len(firsts) - 1) if len(firsts) > 1 else 1.0


def _in_unit(seconds: float, unit: Unit) -> float:
    if unit == "seconds_cut":
        return float(math.floor(seconds))
    return float(round(seconds)) if unit == "seconds_rounded" else seconds
