"""Which engine recognises speech. The rule of ``auto`` is in docs/context.md; nothing is downloaded by it."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from clamr_select.context.speech.recognizer import SpeechRecognizer
from clamr_select.context.speech.whisper_models import (
    CPU_PREFERENCE,
    DEFAULT_SIZE,
    FASTER_WHISPER,
    GPU_PREFERENCE,
    WHISPER,
    downloaded,
)
from clamr_select.errors import InputError, SpeechError, unknown_name

logger = logging.getLogger(__name__)

SpeechEngine = Literal["transformers", "faster-whisper", "pocketsphinx"]
NO_RECOGNIZER = (
    "asr='auto' found no speech recogniser on this machine, and downloads none. Either asr='transformers' "
    "(downloads openai/whisper-base, 290 MB, at its first use) or another model by asr_model (tiny, base, small, "
    "medium, large-v3, turbo, a hub id or a directory); or, for English without a download and of low quality, "
    "pip install 'clamr-select[asr-offline]'"
)


@dataclass(frozen=True)
class Choice:
    """An engine, its model, and why."""

    engine: SpeechEngine
    model: str | None
    """A hub id or a directory; None where the engine has one model."""
    reason: str


def choose(engine: str, *, model: str | None = None) -> Choice:
    """The engine and model that will recognise speech.

    Args:
        engine: ``auto`` or one of :data:`SpeechEngine`.
        model: a size of Whisper by its short name, a hub id, or a directory.

    Raises:
        UnknownNameError: no such engine.
        InputError: a model for an engine that has its own.
        SpeechError: ``auto``, and nothing on this machine can recognise speech.
    """
    if engine == "auto":
        return _auto(model)
    if engine == "pocketsphinx":
        if model is not None:
            raise InputError(f"pocketsphinx has a model of its own; leave out asr_model, got {model!r}")
        return Choice("pocketsphinx", None, "named")
    if engine == "transformers":
        return Choice("transformers", WHISPER.get(model or DEFAULT_SIZE, model), "named")
    if engine == "faster-whisper":
        return Choice("faster-whisper", FASTER_WHISPER.get(model or DEFAULT_SIZE, model), "named")
    raise unknown_name("asr", engine, ("auto", *get_args(SpeechEngine)))


def make_recognizer(choice: Choice, *, language: str | None = None) -> SpeechRecognizer:
    """Load what was chosen; a model that was named and is not on this machine is downloaded, which is logged.

    Raises:
        MissingDependencyError, ModelNotFoundError, CheckpointError, InputError: as the engines.
    """
    if choice.engine == "pocketsphinx":
        from clamr_select.context.speech.pocketsphinx_engine import PocketsphinxRecognizer

        return PocketsphinxRecognizer(language=language)
    model = str(choice.model)
    logger.info("speech is recognised with %s, %s (%s)", choice.engine, model, choice.reason)
    if choice.engine == "faster-whisper":
        from clamr_select.context.speech.faster_whisper_engine import FasterWhisperRecognizer

        return FasterWhisperRecognizer(model, language=language)
    from clamr_select.context.speech.transformers_engine import TransformersRecognizer

    return TransformersRecognizer(model, language=language)


def _auto(model: str | None) -> Choice:
    if model is not None:
        if _is_ctranslate2(model):
            return Choice("faster-whisper", model, "the model is in CTranslate2's format")
        return Choice("transformers", WHISPER.get(model, model), "the model was named")
    preference = _preference()
    if _installed("faster_whisper"):
        size = downloaded("faster-whisper", preference=preference)
        if size is not None:
            return Choice("faster-whisper", FASTER_WHISPER[size], "installed, and its model was downloaded before")
    size = downloaded("transformers", preference=preference)
    if size is not None:
        return Choice("transformers", WHISPER[size], "its model was downloaded before")
    if _installed("pocketsphinx"):
        return Choice("pocketsphinx", None, "no Whisper was downloaded before")
    raise SpeechError(NO_RECOGNIZER)


def _is_ctranslate2(model: str) -> bool:
    return (Path(model) / "model.bin").is_file() and not (Path(model) / "pytorch_model.bin").is_file()


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _preference() -> tuple[str, ...]:
    import torch

    return GPU_PREFERENCE if torch.cuda.is_available() else CPU_PREFERENCE
