"""What a turn says of the words that were spoken: whether they are known, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clamr_select.demo.hearing import Hearing
from clamr_select.demo.spoken import SpeechSource
from clamr_select.selection import SelectionWarning

TOLD_HERE = {"no_asr", "asr_low_quality", "no_audio", "no_speech_heard"}
"""Codes of warnings that say the same to users of the command line."""
SILENT = "Nothing is said in this video: it has no subtitles, and no sound that can be read."
UNHEARD = "This video has no subtitles, so what is said in it is not known yet."
NOBODY_SPEAKS = "The sound was listened to, and nobody was heard speaking."


def speech_note(source: SpeechSource, *, warnings: Sequence[SelectionWarning], hearing: Hearing) -> str:
    """One sentence; empty where there is nothing to say, as of subtitles."""
    if source == "silent":
        return SILENT
    if source == "unheard":
        return UNHEARD
    if source == "read":
        return ""
    if any(warning.code == "no_speech_heard" for warning in warnings):
        return NOBODY_SPEAKS
    return f"What is said was heard by {hearing.by}"


def speech_view(
    source: SpeechSource, *, warnings: Sequence[SelectionWarning], hearing: Hearing
) -> dict[str, Any] | None:
    """The sentence, and whether listening is offered; None where there is nothing to say."""
    text = speech_note(source, warnings=warnings, hearing=hearing)
    return {"text": text, "offer": source == "unheard" and hearing.is_possible} if text else None
