"""faster-whisper on a tiny Whisper that CTranslate2's own converter wrote."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from clamr_select.context.speech.faster_whisper_engine import FasterWhisperRecognizer
from clamr_select.errors import CheckpointError, InputError, MissingDependencyError, ModelNotFoundError


@pytest.fixture(scope="module")
def converted(tiny_whisper: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("faster_whisper")
    converters = pytest.importorskip("ctranslate2.converters")
    directory = tmp_path_factory.mktemp("converted") / "model"
    converters.TransformersConverter(str(tiny_whisper), copy_files=["tokenizer.json"]).convert(str(directory))
    return str(directory)


def test_words_have_times_inside_their_stretch(converted: str) -> None:
    rng = np.random.default_rng(0)
    recognizer = FasterWhisperRecognizer(converted, device="cpu", language="en")
    (heard,) = recognizer.hear([(0.1 * rng.standard_normal(48_000)).astype(np.float32)])

    assert heard.language == "en"
    for word in heard.words:
        assert 0 <= word.start_seconds <= word.end_seconds <= 3
        assert 0 <= word.confidence <= 1
        assert word.text.strip()
    assert recognizer.source.startswith("faster-whisper")
    assert recognizer.identity != FasterWhisperRecognizer(converted, device="cpu").identity


def test_what_does_not_go(converted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="does not know the language 'xx'"):
        FasterWhisperRecognizer(converted, language="xx", device="cpu")
    with pytest.raises(CheckpointError, match="CTranslate2"):
        FasterWhisperRecognizer(str(tmp_path), device="cpu")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFoundError, match="hf download Systran/none"):
        FasterWhisperRecognizer("Systran/none", device="cpu")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)

    with pytest.raises(MissingDependencyError, match="asr-fast"):
        FasterWhisperRecognizer("tiny")
