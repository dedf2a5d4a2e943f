"""How videos are indexed, in values that travel to other processes and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from clamr_select.errors import InputError
from clamr_select.indexing.options import IndexOptions
from clamr_select.limits import Limits

DEFAULT_MAX_SECONDS = 3600.0
MOST_SECONDS = 2e6
"""23 days: a pipe is waited for in milliseconds of 31 bits."""


@dataclass(frozen=True)
class IngestSettings:
    """
    Raises:
        InputError: a number out of range.
    """

    max_tokens: int
    """Of one modality of one video, as the corpus keeps it."""
    options: IndexOptions
    """Of all videos."""
    model: Mapping[str, Any] = field(default_factory=lambda: {"name_or_path": "clamr-nano"})
    """Arguments of ``ClamrEncoder.from_pretrained``, JSON values."""
    cache_dir: str | None = "auto"
    """Where the frames' embeddings are kept; None keeps none."""
    num_threads: int | None = None
    """CPU threads of a process; None leaves it to torch."""
    max_attempts: int = 2
    """For a video whose process ended or fell silent. An error of the file itself is not tried again."""
    max_seconds: float = DEFAULT_MAX_SECONDS
    """For one video, and for loading the model; a process that takes longer is ended."""

    def __post_init__(self) -> None:
        for name in ("max_tokens", "max_attempts", "num_threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        if not 0 < self.max_seconds <= MOST_SECONDS:
            raise InputError(f"max_seconds must be positive and at most {MOST_SECONDS:,.0f}, got {self.max_seconds:g}")

    def to_dict(self) -> dict[str, Any]:
        """JSON values, for :meth:`from_dict`."""
        subtitles = self.options.subtitles
        options = {**asdict(self.options), "subtitles": None if subtitles is None else str(subtitles)}
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "options": options} | {
            "model": dict(self.model)
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> IngestSettings:
        options = dict(values["options"])
        return cls(**{**values, "options": IndexOptions(**{**options, "limits": Limits(**options["limits"])})})
