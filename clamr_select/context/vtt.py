"""WebVTT (.vtt), read with webvtt-py."""

from __future__ import annotations

import re

from clamr_select.context.cues import Cue, ParsedCues
from clamr_select.context.stamps import stamp_seconds

# Blocks that webvtt-py leaves out show as arrows without a caption.
_TIMING = re.compile(r"^[^\n]*-->", re.MULTILINE)


def is_vtt(text: str) -> bool:
    """Whether ``text`` starts as every WebVTT file must."""
    return text.startswith("WEBVTT")


def read_vtt(text: str) -> ParsedCues:
    """Cues of a WebVTT file with ``\\n`` line ends, inline stamps (YouTube's automatic captions) included.

    Raises:
        ValueError: the file is malformed.
    """
    import webvtt
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    try:
        captions = webvtt.from_string(text).captions
    except (MalformedFileError, MalformedCaptionError) as error:
        raise ValueError(str(error)) from error
    cues = tuple(
        Cue(stamp_seconds(caption.start), stamp_seconds(caption.end), caption.raw_text) for caption in captions
    )
    return ParsedCues(cues, num_unreadable=max(0, len(_TIMING.findall(text)) - len(cues)))
