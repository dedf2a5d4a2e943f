"""Speech with transformers: Whisper, and any CTC model (Wav2Vec2, HuBERT, Parakeet CTC, …)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from clamr_select.context.speech.model_files import model_digest
from clamr_select.context.speech.recognizer import SAMPLE_RATE, Heard
from clamr_select.context.speech.whisper_models import language_code
from clamr_select.context.timed_text import TimedWord
from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError, SpeechError

if TYPE_CHECKING:
    from transformers import AutomaticSpeechRecognitionPipeline

_WITH_WORD_TIMES = ("seq2seq_whisper", "ctc", "ctc_with_lm")
_GPU_BATCH = 8


class TransformersRecognizer:
    """A :class:`SpeechRecognizer` on transformers' own pipeline.

    Args:
        model: a hub id or a directory; safetensors only, no remote code.
        revision: of the hub repository.
        language: ISO 639-1 code of what is spoken; None lets a multilingual Whisper detect it, stretch by stretch.
        device: ``auto``, ``cpu`` or ``cuda[:N]``.

    Raises:
        ModelNotFoundError: no such directory or hub id, or no network and not downloaded before.
        CheckpointError: its files cannot be used.
        InputError: a model without word times, or a language that it was not made for.
    """

    warnings: tuple[tuple[str, str], ...] = ()

    def __init__(
        self, model: str, *, revision: str | None = None, language: str | None = None, device: str = "auto"
    ) -> None:
        self._pipeline = _load(model, revision=revision, device=device)
        if self._pipeline.type not in _WITH_WORD_TIMES:
            kind = self._pipeline.model.config.model_type
            raise InputError(f"{model} ({kind}) gives no word times; take a Whisper or a CTC model")
        self._is_whisper = self._pipeline.type == "seq2seq_whisper"
        self._language = language
        self._check_language(model)
        # not where a language is to be detected (the pipeline of transformers 5.24 fails on more than one sound), nor
        # with CTC models, to some of which a padded sound is another one
        can_batch = self._is_whisper and not self._detects_language
        self.batch_size = _GPU_BATCH if can_batch and self._pipeline.device.type != "cpu" else 1
        commit = getattr(self._pipeline.model.config, "_commit_hash", None)
        name = f"{model}@{commit[:12]}" if commit else model
        self.source = f"transformers {version('transformers')} ({name})"
        self.identity = f"{self.source} {model_digest(model)} {revision} {language} {self._pipeline.model.dtype}"

    def hear(self, stretches: Sequence[np.ndarray]) -> list[Heard]:
        """See :meth:`SpeechRecognizer.hear`."""
        sounds: Any = [{"raw": samples, "sampling_rate": SAMPLE_RATE} for samples in stretches]
        options: dict[str, Any] = {"return_timestamps": "word", "batch_size": self.batch_size}
        if self._is_whisper:
            options["generate_kwargs"] = self._whisper_options()
            options["return_language"] = self._detects_language
        try:
            results = self._pipeline(sounds, **options)
        except (ValueError, IndexError, RuntimeError) as error:  # torch's, and the pipeline's own
            raise SpeechError(f"{self.source} failed on {len(stretches)} stretches of sound: {error}") from error
        return [
            Heard(
                tuple(_words(result["chunks"], samples=samples, with_spaces=self._is_whisper)),
                self._heard_language(result["chunks"]),
            )
            for result, samples in zip(results, stretches, strict=True)
        ]

    @property
    def _multilingual(self) -> bool:
        return bool(getattr(self._pipeline.model.generation_config, "is_multilingual", False))

    @property
    def _detects_language(self) -> bool:
        return self._is_whisper and self._multilingual and self._language is None

    def _whisper_options(self) -> dict[str, Any]:
        if not self._multilingual:
            return {}
        return {"task": "transcribe", **({} if self._language is None else {"language": self._language})}

    def _heard_language(self, chunks: Iterable[dict[str, Any]]) -> str | None:
        if self._language is not None:
            return self._language
        if self._detects_language:
            return next((language_code(chunk["language"]) for chunk in chunks if chunk.get("language")), None)
        return "en" if self._is_whisper else None  # a Whisper of one language is English

    def _check_language(self, model: str) -> None:
        if self._language is None or not self._is_whisper:
            return
        known = getattr(self._pipeline.model.generation_config, "lang_to_id", None) or {"<|en|>": 0}
        codes = sorted(token.strip("<|>") for token in known)
        if self._language not in codes:
            raise InputError(f"{model} does not know the language {self._language!r}; it knows {', '.join(codes)}")


def _words(chunks: Iterable[dict[str, Any]], *, samples: np.ndarray, with_spaces: bool) -> Iterator[TimedWord]:
    """Words in order and inside the stretch: where the model gives no end, a word ends where the next begins.

    Args:
        with_spaces: texts hold the spaces between words.
    """
    chunks = [chunk for chunk in chunks if chunk["text"].strip()]
    seconds = len(samples) / SAMPLE_RATE
    at = 0.0
    for position, chunk in enumerate(chunks):
        start, end = chunk["timestamp"]
        following = chunks[position + 1]["timestamp"][0] if position + 1 < len(chunks) else seconds
        start = min(max(at, at if start is None else float(start)), seconds)
        end = min(max(start, float(following or start) if end is None else float(end)), seconds)
        yield TimedWord(start, end, chunk["text"] if with_spaces else " " + chunk["text"])
        at = start


def _load(model: str, *, revision: str | None, device: str) -> AutomaticSpeechRecognitionPipeline:
    import torch
    from safetensors import SafetensorError
    from transformers import (
        AutoConfig,
        AutoModelForCTC,
        AutoModelForSpeechSeq2Seq,
        AutoProcessor,
        pipeline,
    )

    at = {"revision": revision, "trust_remote_code": False}
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    dtype = torch.float32 if device == "cpu" else torch.float16
    try:
        config = AutoConfig.from_pretrained(model, **at)
        family = (
            AutoModelForSpeechSeq2Seq if type(config) in AutoModelForSpeechSeq2Seq._model_mapping else AutoModelForCTC
        )
        processor = AutoProcessor.from_pretrained(model, **at)
        weights = family.from_pretrained(model, config=config, dtype=dtype, use_safetensors=True, **at)
    except (ValueError, KeyError, SafetensorError) as error:
        raise CheckpointError(f"{model} cannot be loaded as a speech recogniser: {error}") from error
    except OSError as error:
        raise ModelNotFoundError(
            f"the speech model {model!r} is neither a directory with safetensors nor to be had from the hub: "
            f"{_first_line(error)} Without a network, download it before (`hf download {model}`) or name its "
            "directory; asr='pocketsphinx' needs no download"
        ) from error
    return pipeline(
        "automatic-speech-recognition",
        model=weights,
        tokenizer=processor.tokenizer,
        feature_extractor=processor.feature_extractor,
        device=device,
    )


def _first_line(error: BaseException) -> str:
    line = str(error).strip().partition("\n")[0]
    return line if line.endswith(".") else f"{line}."
