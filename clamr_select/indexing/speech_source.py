"""Where the spoken words of a video come from: subtitles, or a recogniser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clamr_select.context.embedded import embedded_subtitles
from clamr_select.context.sidecar import find_usable_subtitles, passed_over
from clamr_select.context.speech.choose import choose, make_recognizer
from clamr_select.context.subtitles import load_subtitles
from clamr_select.context.timed_text import ContextTrack
from clamr_select.errors import SubtitlesError
from clamr_select.indexing.options import IndexOptions
from clamr_select.indexing.progress import Progress
from clamr_select.indexing.transcribe import transcribe
from clamr_select.isolation import isolated_subtitles
from clamr_select.limits import DEFAULT_LIMITS, Limits
from clamr_select.store import Store
from clamr_select.video.reader import VideoInfo

NO_ASR = "no_asr"
NO_SPEECH = (
    "no subtitles were given, none that can be used lie beside the video or inside it, and speech recognition is off; "
    "asr='auto' (--asr auto) hears the video"
)


def speech_track(
    info: VideoInfo, *, options: IndexOptions, store: Store | None = None, progress: Progress | None = None
) -> ContextTrack:
    """What is said in a video as one track, empty with a warning where nothing is known.

    ``asr="auto"`` hears where there are no subtitles; an engine that is named hears whether there are or not.

    Args:
        store: where what was heard is kept.

    Raises:
        SubtitlesError: the file named is missing, unreadable or without a cue.
        SpeechError, ModelError, MissingDependencyError: speech is to be recognised and cannot be.
    """
    if options.asr in ("off", "auto"):
        track = subtitle_track(info, subtitles=options.subtitles, limits=options.limits, isolate=options.isolate)
        if options.asr == "off" or track.lines:
            return track
        noted = tuple(warning for warning in track.warnings if warning[0] != NO_ASR)
    else:
        noted = ()
    choice = choose(options.asr, model=options.asr_model)
    heard = transcribe(
        info.path,
        recognizer=make_recognizer(choice, language=options.asr_language),
        end_seconds=info.start_seconds + info.duration_seconds,
        store=store,
        progress=progress,
        limits=options.limits,
        isolate=options.isolate,
    )
    source = f"{heard.source}, chosen: {choice.reason}" if options.asr == "auto" else heard.source
    return replace(heard, source=source, warnings=(*noted, *heard.warnings))


def subtitle_track(
    info: VideoInfo, *, subtitles: str | Path | None, limits: Limits = DEFAULT_LIMITS, isolate: bool = False
) -> ContextTrack:
    """The subtitles of a video as one track, empty with a warning where there are none.

    Args:
        subtitles: ``auto`` takes a file beside the video, else a text stream inside it, and warns of files that it
            passes over; a path; None for none.
        limits: of the file that is opened for a text stream inside it.
        isolate: open it in a worker process.

    Raises:
        SubtitlesError: the file named is missing, unreadable or without a cue.
    """
    if subtitles is None:
        return ContextTrack("asr", (), "off")
    if subtitles != "auto":
        return _timed(Path(subtitles), info)
    path, noted = find_usable_subtitles(info.path)
    track = None
    if path is not None:
        try:
            track = _timed(path, info)
        except SubtitlesError as error:  # of another video
            noted = (*noted, passed_over(error))
    if track is None:
        track = (isolated_subtitles if isolate else embedded_subtitles)(info.path, limits=limits)
    if track is None:
        track = ContextTrack("asr", (), "none", warnings=((NO_ASR, NO_SPEECH),))
    return replace(track, warnings=(*noted, *track.warnings))


def _timed(path: Path, info: VideoInfo) -> ContextTrack:
    return load_subtitles(path, duration_seconds=info.duration_seconds, start_seconds=info.start_seconds)
