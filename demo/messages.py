"""Errors as a visitor reads them. What a decoder or a server said goes to the log, never to the page."""

from __future__ import annotations

import logging

from clamr_select.errors import (
    AnswerError,
    ClamrSelectError,
    CorpusBusyError,
    CorpusChangedError,
    CorpusError,
    CorpusMismatchError,
    CorpusNotFoundError,
    CorpusServerError,
    FrameDecodeError,
    InputError,
    MissingDependencyError,
    ModelError,
    OcrError,
    ServerUnreachableError,
    SpeechError,
    StoreError,
    SubtitlesError,
    UnreadableVideoError,
    UnsafeVideoError,
    UnsupportedVideoError,
    VideoError,
    VideoNotFoundError,
    VideoTooLargeError,
)

logger = logging.getLogger(__name__)

SENTENCES: tuple[tuple[type[ClamrSelectError], str], ...] = (
    (VideoNotFoundError, "The video is no longer here: uploads are deleted after a while. Drop it again."),
    (UnsafeVideoError, "This is a playlist or a script and not a video, so it was not opened."),
    (VideoTooLargeError, "This video is past a limit of size, length or number of frames. A smaller copy will do."),
    (UnsupportedVideoError, "This kind of video cannot be read exactly. Try an mp4 with H.264."),
    (UnreadableVideoError, "This file could not be read as a video. It may be broken, or be something else."),
    (FrameDecodeError, "A frame of this video could not be decoded. The file may be damaged."),
    (VideoError, "This video could not be read."),
    (SubtitlesError, "The subtitles could not be read. Expected are srt, vtt, ass, or json with times."),
    (OcrError, "Reading the text on screen failed. Switch it off under “Subtitles and settings” and ask again."),
    (SpeechError, "Hearing the speech failed. Switch it off under “Subtitles and settings” and ask again."),
    (ModelError, "The model that hears speech could not be loaded on the server. Switch it off, and ask again."),
    (ServerUnreachableError, "The language model cannot be reached. The frames below are what it would have seen."),
    (AnswerError, "The language model answered with an error. The frames below are what it would have seen."),
    (CorpusBusyError, "The library is in use by another process, which may be adding videos. Search again in a while."),
    (CorpusNotFoundError, "The library is not where it was when the demo started."),
    (CorpusMismatchError, "The library was made with another model or by another version, so it cannot be searched."),
    (CorpusServerError, "The server of the library cannot be reached, or refused the question."),
    (CorpusChangedError, "Videos of the library are being replaced faster than they can be read. Search again."),
    (CorpusError, "The library could not be read. It may be damaged."),
    (StoreError, "The folder with the frames of the library cannot be used."),
    (MissingDependencyError, "Something that this needs is not installed on the server."),
)
"""First match wins. Not here: InputError, whose own words are about what the visitor entered."""
UNEXPECTED = "Something went wrong on the server. The details are in its log."
STOPPED = "Stopped."


def sentence(error: ClamrSelectError) -> str:
    """One plain sentence for the page; the error itself is logged."""
    logger.warning("%s: %s", type(error).__name__, error)
    for kind, text in SENTENCES:
        if isinstance(error, kind):
            return text
    return str(error) if isinstance(error, InputError) else UNEXPECTED
