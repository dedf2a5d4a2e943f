"""How a question is asked: checked before a frame is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from clamr_select.errors import InputError
from clamr_select.policies.parameters import whole_number


@dataclass(frozen=True)
class AskSettings:
    """Checked on construction.

    Raises:
        InputError: a number out of range, or nothing to select for.
    """

    num_frames: int = 8
    """Frames to select and show."""
    max_new_tokens: int = 512
    """The longest answer."""
    subtitles: bool = True
    """Quote the words spoken around each frame, delimited as data."""
    select_for: str | None = None
    """What the frames are selected for; None is the question."""
    select_options: Mapping[str, Any] = field(default_factory=dict)
    """For ``IndexedVideo.select``: ``policy``, ``similarity``, ``modalities``, the policy's parameters."""

    def __post_init__(self) -> None:
        for name in ("num_frames", "max_new_tokens"):
            whole_number(name, getattr(self, name), low=1)
        if self.select_for is not None and not (isinstance(self.select_for, str) and self.select_for.strip()):
            raise InputError(f"select_for must be words, or None to select for the question, got {self.select_for!r}")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> AskSettings:
        """From keyword arguments; those that are no setting are options of ``select``."""
        own = {setting.name for setting in fields(cls)} - {"select_options"}
        settings = {name: value for name, value in given.items() if name in own}
        return cls(**settings, select_options={name: value for name, value in given.items() if name not in own})
