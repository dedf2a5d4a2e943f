"""Whether the demo can make subtitles itself, by what, and what they are worth: said before anybody waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from clamr_select.context.speech.choose import Choice, choose, make_recognizer
from clamr_select.demo.settings import DemoSettings
from clamr_select.errors import SpeechError, missing_dependency

NEEDS = {"faster-whisper": ("faster_whisper", "asr-fast"), "pocketsphinx": ("pocketsphinx", "asr-offline")}
"""Engine to its package and our extra."""
SWITCHED_OFF = "Speech recognition is switched off on this server."
NOTHING_HEARS = (
    "Nothing on this server recognises speech. Install clamr-select[asr-offline] (rough, English), or start the demo "
    "with --asr transformers (Whisper)."
)
ROUGH = "PocketSphinx: English, two or three of ten words wrong, noise hardly understood."
GOOD = "check names and numbers by ear."


@dataclass(frozen=True)
class Hearing:
    """What listening means here."""

    about: str
    """What it is, in a line for the page."""
    by: str = ""
    """What listens, and how far it can be trusted."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For ``FrameSelector.index`` of a video without subtitles; empty where nothing can listen."""
    by_default: bool = False
    """Good enough to be on without asking for it."""

    @property
    def is_possible(self) -> bool:
        return bool(self.options)


def find_hearing(settings: DemoSettings) -> Hearing:
    """By what is on this machine, or what was named; nothing is downloaded yet.

    Raises:
        MissingDependencyError: the engine that was named is not installed.
        UnknownNameError, InputError: no such engine, or a model or a language for one that has its own.
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
    if choice.engine == "pocketsphinx":
        make_recognizer(choice, language=settings.asr_language)  # another language is refused now, not to a visitor
    options = {"asr": choice.engine, "asr_model": choice.model, "asr_language": settings.asr_language}
    by_default = settings.asr != "auto" or choice.engine != "pocketsphinx"
    by = _by(choice)
    return Hearing(f"Where a video has no subtitles. By {by}", by, options, by_default=by_default)


def _by(choice: Choice) -> str:
    return ROUGH if choice.engine == "pocketsphinx" else f"{choice.engine}, {choice.model}: {GOOD}"
