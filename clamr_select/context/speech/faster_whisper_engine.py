"""Speech with faster-whisper: Whisper on CTranslate2, several times as fast on a CPU (8-bit weights)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.context.speech.model_files import model_digest
from clamr_select.context.speech.recognizer import SAMPLE_RATE, Heard
from clamr_select.context.timed_text import TimedWord
from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError, SpeechError, missing_dependency

if TYPE_CHECKING:
    from faster_whisper import WhisperModel


class FasterWhisperRecognizer:
    """A :class:`SpeechRecognizer` on faster-whisper.

    Args:
        model: a directory or hub id of a Whisper in CTranslate2's format.
        language: ISO 639-1 code of what is spoken; None detects it, stretch by stretch.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        MissingDependencyError: ``faster-whisper`` is absent.
        ModelNotFoundError: no such directory or hub id, or no network and not downloaded before.
        CheckpointError: its files cannot be used.
        InputError: a language that Whisper does not know.
    """

    batch_size = 1
    warnings: tuple[tuple[str, str], ...] = ()

    def __init__(self, model: str, *, language: str | None = None, device: str = "auto") -> None:
        self._model = _load(model, device=device)
        known = self._model.supported_languages
        if language is not None and language not in known:
            raise InputError(f"{model} does not know the language {language!r}; it knows {', '.join(sorted(known))}")
        self._language = language
        computed = self._model.model.compute_type
        self.source = f"faster-whisper {version('faster-whisper')} ({model})"
        self.identity = f"{self.source} {model_digest(model)} {version('ctranslate2')} {computed} {language}"

    def hear(self, stretches: Sequence[np.ndarray]) -> list[Heard]:
        """See :meth:`SpeechRecognizer.hear`."""
        return [self._hear(samples) for samples in stretches]

    def _hear(self, samples: np.ndarray) -> Heard:
        try:
            segments, info = self._model.transcribe(
                samples, language=self._language, word_timestamps=True, condition_on_previous_text=False
            )
            words = [word for segment in segments for word in segment.words or ()]
        except (ValueError, RuntimeError) as error:
            seconds = len(samples) / SAMPLE_RATE
            raise SpeechError(f"faster-whisper failed on {seconds:.1f} s of sound: {error}") from error
        return Heard(tuple(_inside(words, seconds=len(samples) / SAMPLE_RATE)), info.language)


def _inside(words: Sequence[Any], *, seconds: float) -> Iterator[TimedWord]:
    at = 0.0
    for word in words:
        if not word.word.strip():
            continue
        at = min(max(at, float(word.start)), seconds)
        yield TimedWord(at, min(max(at, float(word.end)), seconds), word.word, min(1.0, max(0.0, word.probability)))


def _load(model: str, *, device: str) -> WhisperModel:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise missing_dependency("faster-whisper", extra="asr-fast", purpose="faster-whisper") from error
    try:
        return WhisperModel(model, device=device)
    except OSError as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelNotFoundError(
            f"the speech model {model!r} is neither a directory nor to be had from the hub: {reason} Without a "
            f"network, download it before (`hf download {model}`) or name its directory; asr='pocketsphinx' needs no "
            "download"
        ) from error
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"{model} is not a Whisper in CTranslate2's format: {error}") from error
