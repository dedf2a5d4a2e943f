"""Word error rate and word times of every speech engine that can run here.

    python -m clamr_select.eval.speech [--engine NAME --model NAME]
    python -m clamr_select.eval.speech --recording FILE --reference TEXT

Without a recording: ten sentences that flite reads in two voices (apt-get install flite), two seconds apart on one
track a voice. Sound goes the way that a video's goes: cut by voice activity, recognised stretch by stretch. An engine
whose model is not on this machine is named and left out; give it by --model.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np

from clamr_select.context.speech.choose import SpeechEngine, choose, make_recognizer
from clamr_select.context.speech.recognizer import SAMPLE_RATE, SpeechRecognizer
from clamr_select.context.speech.voice_activity import VoiceDetector, speech_stretches
from clamr_select.context.speech.whisper_models import CPU_PREFERENCE, downloaded
from clamr_select.context.timed_text import TimedWord
from clamr_select.errors import InputError, MissingDependencyError
from clamr_select.eval.speech.errors import SpeechErrors
from clamr_select.eval.speech.narration import SENTENCES, VOICES, narrate
from clamr_select.video.audio import open_audio

PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Recording:
    """Sound and what is said in it."""

    name: str
    samples: np.ndarray
    start_seconds: float
    reference: str
    starts_seconds: tuple[float | None, ...] | None = None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=get_args(SpeechEngine), help="(default: all)")
    parser.add_argument("--model", help="of the engine, as --asr-model")
    parser.add_argument("--recording", type=Path, help="a sound or video file")
    parser.add_argument("--reference", help="what is said in it")
    arguments = parser.parse_args(argv)
    if (arguments.recording is None) != (arguments.reference is None):
        raise InputError("--recording and --reference belong together")
    if arguments.recording is None:
        recordings = list(narrations())
    else:
        recordings = [read_recording(arguments.recording, reference=arguments.reference)]
    for engine in [arguments.engine] if arguments.engine else get_args(SpeechEngine):
        try:
            measure(engine, arguments.model, recordings)
        except MissingDependencyError as error:
            print(f"{engine}: left out, {error}")
    return 0


def measure(engine: SpeechEngine, model: str | None, recordings: list[Recording]) -> None:
    """Print one line a recording."""
    if engine != "pocketsphinx" and model is None and downloaded(engine, preference=CPU_PREFERENCE) is None:
        print(f"{engine}: left out, none of its models is on this machine")
        return
    size = model if engine == "pocketsphinx" or model else downloaded(engine, preference=CPU_PREFERENCE)
    recognizer = make_recognizer(choose(engine, model=size))
    for recording in recordings:
        started = time.process_time()
        heard = hear(recognizer, recording)
        cpu = (time.process_time() - started) / (len(recording.samples) / SAMPLE_RATE)
        errors = SpeechErrors()
        errors.add(recording.reference, heard, starts_seconds=recording.starts_seconds)
        print(f"{recognizer.source}, {recording.name}: {errors}; {cpu:.2f} CPU seconds a second")


def hear(recognizer: SpeechRecognizer, recording: Recording) -> list[TimedWord]:
    """As :func:`clamr_select.indexing.transcribe.transcribe`, of sound in memory."""
    words = []
    for stretch in speech_stretches([(recording.start_seconds, recording.samples)], detector=VoiceDetector()):
        (heard,) = recognizer.hear([stretch.samples])
        words += [
            replace(
                word,
                start_seconds=stretch.start_seconds + word.start_seconds,
                end_seconds=stretch.start_seconds + word.end_seconds,
            )
            for word in heard.words
        ]
    return words


def narrations() -> Iterator[Recording]:
    """All sentences in each voice, one track a voice."""
    silence = np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE), np.float32)
    for voice in VOICES:
        sound, starts, at = [silence], [], PAUSE_SECONDS
        with tempfile.TemporaryDirectory() as directory:
            for sentence in SENTENCES:
                told = narrate(sentence, voice=voice, directory=Path(directory))
                starts += [None if start is None else at + start for start in told.starts_seconds]
                sound += [told.samples, silence]
                at += len(told.samples) / SAMPLE_RATE + PAUSE_SECONDS
        yield Recording(f"flite {voice}", np.concatenate(sound), 0.0, " ".join(SENTENCES), tuple(starts))


def read_recording(path: Path, *, reference: str) -> Recording:
    """A whole file's sound.

    Raises:
        InputError: it has none.
    """
    stream = open_audio(path)
    if stream is None:
        raise InputError(f"{path} has no sound")
    with stream:
        samples = np.concatenate([samples for _, samples in stream.chunks()])
        return Recording(path.name, samples, stream.start_seconds, reference)


if __name__ == "__main__":
    sys.exit(main())
