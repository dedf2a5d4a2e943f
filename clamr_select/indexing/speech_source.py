"""Where the spoken words of a video come from."""

from __future__ import annotations

from pathlib import Path

from clamr_select.context.embedded import embedded_subtitles
from clamr_select.context.sidecar import find_subtitles
from clamr_select.context.subtitles import load_subtitles
from clamr_select.context.timed_text import ContextTrack
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.video.reader import VideoInfo

NO_SPEECH = "no subtitles were given, none lie beside the video or inside it, and speech recognition is off"


def speech_track(info: VideoInfo, *, subtitles: str | Path | None, limits: Limits = DEFAULT_LIMITS) -> ContextTrack:
    """The subtitles of a video as one track, empty with a warning where there are none.

    Args:
        subtitles: ``auto`` takes a file beside the video, else a text stream inside it; a path; None for none.

    Raises:
        SubtitlesError: the file named is missing, unreadable or without a cue.
    """
    if subtitles is None:
        return ContextTrack("asr", (), "off")
    path = find_subtitles(info.path) if subtitles == "auto" else Path(subtitles)
    if path is not None:
        return load_subtitles(path, duration_seconds=info.duration_seconds, start_seconds=info.start_seconds)
    track = embedded_subtitles(info.path, limits=limits)
    if track is None:
        return ContextTrack("asr", (), "none", warnings=(("no_asr", NO_SPEECH),))
    return track
