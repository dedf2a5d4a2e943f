"""Whether the demo can make subtitles itself, by what, and what they are worth: said before anybody waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from clamr_select.context.speech.choose import Choice, choose
from clamr_select.demo.settings import DemoSettings
from clamr_select.errors import SpeechError, missing_dependency

NEEDS = {"faster-whisper": ("faster_whisper", "asr-fast"), "pocketsphinx": ("pocketsphinx", "asr-offline")}
"""Engine to its package and our extra."""
SWITCHED_OFF = "Speech recognition is switched off on this server."
NOTHING_HEARS = (
    "Nothing on this server recognises speech. Install clamr-select[asr-offline] (rough, English), or start the demo "
    "with --asr transformers (Whisper)."
)
ROUGH = "By PocketSphinx: English, two or three of ten words wrong, noise hardly understood."


@dataclass(frozen=True)
class Hearing:
    """What listening means here."""

    about: str
    """A sentence for the page."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For ``FrameSelector.index``; empty where nothing can listen."""
    by_default: bool = False
    """Good enough to be on without asking for it."""

    @property
    def is_possible(self) -> bool:
        return bool(self.options)


def find_hearing(settings: DemoSettings) -> Hearing:
    """By what is on this machine, or what was named; nothing is downloaded or loaded yet.

    Raises:
        MissingDependencyError: the engine that was named is not installed.
        UnknownNameError, InputError: no such engine, or a model for one that has its own.
    """
    if settings.asr == "off":
        return Hearing(SWITCHED_OFF)
    try:
        choice = choose(settings.asr, model=settings.asr_model)
    except SpeechError:
        return Hearing(NOTHING_HEARS)
    package, extra = NEEDS.get(choice.engine, ("transformers", ""))
    if find_spec(package) is None:
        raise missing_dependency(package, extra=extra, purpose=f"hearing speech with {choice.engine}")
    options = {"asr": settings.asr, "asr_model": settings.asr_model, "asr_language": settings.asr_language}
    by_default = settings.asr != "auto" or choice.engine != "pocketsphinx"
    return Hearing(_about(choice, settings), options, by_default=by_default)


def _about(choice: Choice, settings: DemoSettings) -> str:
    by = ROUGH if choice.engine == "pocketsphinx" else f"By {choice.engine}, {choice.model}."
    where = "Where a video has no subtitles" if settings.asr == "auto" else "In place of subtitles inside the video"
    return f"{where}. {by}"
