"""Whisper and CTC through transformers' real classes; the weights are random, the words nonsense."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from clamr_select.context.speech.recognizer import Heard
from clamr_select.context.speech.transformers_engine import TransformersRecognizer
from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError
from tests.context.speech.tiny_speech_models import LANGUAGES, save_tiny_ctc, save_tiny_whisper

pytestmark = [
    # transformers' own: torch where Whisper aligns a single token, numpy where it aligns a batch
    pytest.mark.filterwarnings(r"ignore:std\(\). degrees of freedom is <= 0"),
    pytest.mark.filterwarnings("ignore:__array_wrap__"),
]
SECONDS = (3, 5)


@pytest.fixture(scope="module")
def sounds() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(0.1 * rng.standard_normal(16_000 * seconds)).astype(np.float32) for seconds in SECONDS]


@pytest.fixture(scope="module", params=["whisper", "whisper told the language", "english whisper", "ctc"])
def recognizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TransformersRecognizer:
    save: Callable[[Path], Path] = {
        "whisper": save_tiny_whisper,
        "whisper told the language": save_tiny_whisper,
        "english whisper": lambda directory: save_tiny_whisper(directory, multilingual=False),
        "ctc": save_tiny_ctc,
    }[request.param]
    model = str(save(tmp_path_factory.mktemp("model")))
    return TransformersRecognizer(model, language="fr" if "told" in request.param else None, device="cpu")


def same(one: Heard, other: Heard) -> bool:
    times = [[(w.start_seconds, w.end_seconds) for w in heard.words] for heard in (one, other)]
    texts = [[w.text for w in heard.words] for heard in (one, other)]
    return one.language == other.language and texts[0] == texts[1] and np.allclose(*times, atol=0.021)


def test_words_have_times_inside_their_stretch(recognizer: TransformersRecognizer, sounds: list[np.ndarray]) -> None:
    for heard, seconds in zip(recognizer.hear(sounds), SECONDS, strict=True):
        assert heard.words
        for word in heard.words:
            assert 0 <= word.start_seconds <= word.end_seconds <= seconds
            assert word.text.strip()
        assert all(a.start_seconds <= b.start_seconds for a, b in pairwise(heard.words))


def test_a_batch_hears_what_each_alone_does(recognizer: TransformersRecognizer, sounds: list[np.ndarray]) -> None:
    alone = [recognizer.hear([sound])[0] for sound in sounds]
    assert recognizer.batch_size == 1  # on a CPU
    if recognizer._is_whisper and not recognizer._detects_language:  # others are never batched
        recognizer.batch_size = 2
    together = recognizer.hear(sounds)
    recognizer.batch_size = 1

    assert all(same(*pair) for pair in zip(alone, together, strict=True))


def test_a_multilingual_whisper_detects_the_language(tiny_whisper: Path, sounds: list[np.ndarray]) -> None:
    detected = TransformersRecognizer(str(tiny_whisper), device="cpu")
    told = TransformersRecognizer(str(tiny_whisper), language="fr", device="cpu")

    assert {heard.language for heard in detected.hear(sounds)} <= set(LANGUAGES)
    assert [heard.language for heard in told.hear(sounds)] == ["fr", "fr"]
    assert detected.identity != told.identity
    assert "transformers" in detected.source


def test_an_english_whisper_hears_english(tmp_path: Path, sounds: list[np.ndarray]) -> None:
    model = str(save_tiny_whisper(tmp_path / "english", multilingual=False))

    assert TransformersRecognizer(model, device="cpu").hear(sounds[:1])[0].language == "en"
    with pytest.raises(InputError, match="does not know the language 'de'"):
        TransformersRecognizer(model, language="de", device="cpu")


def test_a_language_that_it_does_not_know(tiny_whisper: Path) -> None:
    with pytest.raises(InputError, match="it knows de, en, fr"):
        TransformersRecognizer(str(tiny_whisper), language="xx", device="cpu")


def test_no_such_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(ModelNotFoundError, match=r"hf download openai/whisper-none.*pocketsphinx"):
        TransformersRecognizer("openai/whisper-none", device="cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises((ModelNotFoundError, CheckpointError), match="empty"):
        TransformersRecognizer(str(tmp_path / "empty"), device="cpu")


def test_a_model_that_is_no_recognizer(tmp_path: Path) -> None:
    from transformers import BertConfig

    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="speech recogniser"):
        TransformersRecognizer(str(tmp_path), device="cpu")


def test_damaged_and_pickled_weights(tmp_path: Path) -> None:
    directory = save_tiny_whisper(tmp_path / "damaged")
    weights = directory / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(CheckpointError):
        TransformersRecognizer(str(directory), device="cpu")
    weights.rename(directory / "pytorch_model.bin")
    with pytest.raises(ModelNotFoundError, match="safetensors"):
        TransformersRecognizer(str(directory), device="cpu")
