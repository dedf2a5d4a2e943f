"""Speech to words with times: finding it, and the engines that recognise it."""

from clamr_select.context.speech.recognizer import Heard, SpeechRecognizer

__all__ = ["Heard", "SpeechRecognizer"]
