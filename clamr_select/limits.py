"""How large a media file may be: checked before anything of it is decoded, generous by default, all settable."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from clamr_select.errors import InputError, VideoTooLargeError

_LARGEST = {
    "max_pixels": 2**31 - 1,  # that FFmpeg takes
    "max_duration_seconds": threading.TIMEOUT_MAX,
    "max_download_seconds": threading.TIMEOUT_MAX,
}
_LARGEST_COUNT = 2**63 - 1


@dataclass(frozen=True)
class Limits:
    """Past one of these a file is refused with ``VideoTooLargeError``, which names the limit.

    Raises:
        InputError: a limit is not a positive number, or larger than what stands behind it can count.
    """

    max_pixels: int = 8192 * 4320
    """Width × height of a frame: 8K DCI. One RGB frame of that size is 101 MiB. Frames in the middle of a stream that
    are larger than its header says are left out, like frames that cannot be decoded."""
    max_duration_seconds: float = 24 * 3600.0
    max_bytes: int = 128 * 1024**3
    """Of the file."""
    max_streams: int = 64
    """Of video, sound, subtitles and data together."""
    max_frames: int = 24 * 3600 * 120
    """A day at 120 frames a second. The list of frames is held in memory, 25 bytes a frame."""

    max_download_bytes: int = 2 * 1024**3
    """Of what a URL gives, where URLs are allowed."""
    max_download_seconds: float = 600.0
    """For the whole transfer, redirects included."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            value, largest = getattr(self, limit.name), _LARGEST.get(limit.name, _LARGEST_COUNT)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= largest:
                raise InputError(f"{limit.name} must be a positive number of at most {int(largest)}, got {value!r}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Limits:
        """The default ones, but for those named.

        Raises:
            InputError: there is no such limit, or it is not a positive number, or too large.
        """
        known = [limit.name for limit in fields(cls)]
        if not isinstance(values, Mapping):
            raise InputError(f"limits must be a mapping of {', '.join(known)}, got {values!r}")
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InputError(f"no such limit: {', '.join(unknown)}; allowed: {', '.join(known)}")
        return cls(**values)

    @property
    def changed(self) -> dict[str, float]:
        """Those that are not the default."""
        return {name: value for name, value in asdict(self).items() if value != getattr(DEFAULT_LIMITS, name)}


DEFAULT_LIMITS = Limits()
BEFORE_OPENING = frozenset({"max_bytes", "max_download_bytes", "max_download_seconds"})
"""Limits that are checked at every call before a file is opened or looked up, and change nothing of what comes out."""


def as_mapping(limits: Limits) -> dict[str, float]:
    """Name to value, of all."""
    return asdict(limits)


def too_large(path: str, what: str, *, limits: Limits, name: str) -> VideoTooLargeError:
    """The error for a file past the limit ``name``; ``what`` says what the file has, e.g. ``has 70 streams``."""
    return VideoTooLargeError(
        f"{path!r} {what}; the limit {name} is {getattr(limits, name):g}. If you trust the file, raise it: "
        f"limits=Limits({name}=…), or --limit {name}=… on the command line."
    )
