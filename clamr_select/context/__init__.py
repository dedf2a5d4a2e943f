"""Context: text with a time, from subtitles, speech and the screen, and what a video says about itself."""

from clamr_select.context.embedded import embedded_subtitles
from clamr_select.context.metadata import describe
from clamr_select.context.ocr import OcrEngine, TextBox
from clamr_select.context.ocr_track import OcrTracker
from clamr_select.context.sidecar import find_subtitles
from clamr_select.context.speech import SpeechRecognizer
from clamr_select.context.subtitles import load_subtitles
from clamr_select.context.timed_text import ContextTrack, TimedText

__all__ = [
    "ContextTrack",
    "OcrEngine",
    "OcrTracker",
    "SpeechRecognizer",
    "TextBox",
    "TimedText",
    "describe",
    "embedded_subtitles",
    "find_subtitles",
    "load_subtitles",
]
