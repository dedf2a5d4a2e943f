"""Speech with PocketSphinx: English, its model inside the wheel, nothing to download.

A recogniser of the 2000s: of ten clearly spoken words it gets two or three wrong, and of noisy ones most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from clamr_select.context.speech.recognizer import SAMPLE_RATE, Heard
from clamr_select.context.timed_text import TimedWord
from clamr_select.errors import InputError, SpeechError, missing_dependency

if TYPE_CHECKING:
    from pocketsphinx import Decoder

_FRAMES_PER_SECOND = 100
_LANGUAGE = "en"
_VARIANT = re.compile(r"\(\d+\)$")  # the second pronunciation of "the" is "the(2)"
_NO_WORDS = ("<", "[", "+")  # <sil>, [NOISE], ++SPN++
LOW_QUALITY = (
    "speech was recognised by PocketSphinx, which gets two or three of ten clearly spoken English words wrong and most "
    "of noisy ones; a Whisper model hears much better (asr='transformers')"
)


class PocketsphinxRecognizer:
    """A :class:`SpeechRecognizer` for English.

    Args:
        language: ``en`` or None.

    Raises:
        InputError: another language.
        MissingDependencyError: ``pocketsphinx`` is absent.
    """

    batch_size = 1
    warnings: tuple[tuple[str, str], ...] = (("asr_low_quality", LOW_QUALITY),)

    def __init__(self, *, language: str | None = None) -> None:
        if language not in (None, _LANGUAGE):
            raise InputError(f"pocketsphinx hears English ('en') alone, got language {language!r}")
        self._decoder = _load()
        self.source = f"pocketsphinx {version('pocketsphinx')} (en-us)"
        self.identity = self.source

    def hear(self, stretches: Sequence[np.ndarray]) -> list[Heard]:
        """See :meth:`SpeechRecognizer.hear`."""
        return [Heard(tuple(self._words(samples)), _LANGUAGE) for samples in stretches]

    def _words(self, samples: np.ndarray) -> Iterator[TimedWord]:
        if not len(samples):
            return
        pcm = (np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()
        try:
            # what it has adapted to would make a stretch depend on those heard before
            self._decoder.reinit_feat()
            self._decoder.start_utt()
            self._decoder.process_raw(pcm, full_utt=True)
            self._decoder.end_utt()
        except RuntimeError as error:
            raise SpeechError(f"pocketsphinx failed on {len(samples) / SAMPLE_RATE:.1f} s of sound: {error}") from error
        for segment in self._decoder.seg() or ():
            if not segment.word.startswith(_NO_WORDS):
                yield TimedWord(
                    start_seconds=segment.start_frame / _FRAMES_PER_SECOND,
                    end_seconds=min((segment.end_frame + 1) / _FRAMES_PER_SECOND, len(samples) / SAMPLE_RATE),
                    text=" " + _VARIANT.sub("", segment.word),
                    confidence=min(1.0, max(0.0, float(segment.prob))),
                )


def _load() -> Decoder:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise missing_dependency("pocketsphinx", extra="asr-offline", purpose="recognising speech offline") from error
    return Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
