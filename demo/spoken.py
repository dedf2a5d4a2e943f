"""Where the words of a video come from: subtitles wherever there are any, else its sound."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from clamr_select.context.embedded import embedded_subtitles
from clamr_select.context.sidecar import find_usable_subtitles
from clamr_select.errors import UnreadableVideoError, UnsupportedVideoError
from clamr_select.video.audio import open_audio

SpeechSource = Literal["read", "heard", "unheard", "silent"]
"""From subtitles; from the sound; from nothing yet, though there is sound; from nothing, for there is no sound."""


def speech_source(video: Path, *, subtitles: Path | None, listen: bool) -> SpeechSource:
    """What is known of what a video says, once it is indexed.

    Args:
        subtitles: a file that was given.
        listen: hear the sound where there are no subtitles.

    Raises:
        VideoError: the file cannot be opened.
    """
    if subtitles is not None or _has_subtitles(video):
        return "read"
    if not _has_sound(video):
        return "silent"
    return "heard" if listen else "unheard"


def _has_subtitles(video: Path) -> bool:
    path, _ = find_usable_subtitles(video)
    if path is not None:
        return True
    track = embedded_subtitles(video)
    return track is not None and bool(track.lines)


def _has_sound(video: Path) -> bool:
    try:
        stream = open_audio(video)
    except (UnsupportedVideoError, UnreadableVideoError):
        return False
    if stream is None:
        return False
    stream.close()
    return True
