"""Which engine hears, by what is on this machine; nothing is downloaded to find out."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from clamr_select.context.speech import choose as rule
from clamr_select.context.speech.choose import Choice, choose, make_recognizer
from clamr_select.errors import InputError, SpeechError, UnknownNameError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """``machine({"pocketsphinx"}, {"transformers": "small"})``: packages, and sizes downloaded before."""

    def use(packages: set[str], sizes: dict[str, str]) -> None:
        monkeypatch.setattr(rule, "_installed", lambda package: package in packages)
        monkeypatch.setattr(rule, "downloaded", lambda engine, *, preference: sizes.get(engine))

    return use


@pytest.mark.parametrize(
    ("packages", "sizes", "engine", "model"),
    [
        ({"pocketsphinx"}, {}, "pocketsphinx", None),
        ({"pocketsphinx"}, {"transformers": "small"}, "transformers", "openai/whisper-small"),
        ({"faster_whisper"}, {"transformers": "tiny"}, "transformers", "openai/whisper-tiny"),
        (
            {"faster_whisper", "pocketsphinx"},
            {"transformers": "small", "faster-whisper": "base"},
            "faster-whisper",
            "Systran/faster-whisper-base",
        ),
        (set(), {"faster-whisper": "base", "transformers": "base"}, "transformers", "openai/whisper-base"),
    ],
)
def test_auto_takes_the_best_that_is_there(packages, sizes, engine, model, machine) -> None:
    machine(packages, sizes)
    chosen = choose("auto")

    assert (chosen.engine, chosen.model) == (engine, model)
    assert chosen.reason


def test_auto_with_nothing_there_says_what_to_do(machine) -> None:
    machine({"faster_whisper"}, {})

    with pytest.raises(SpeechError, match=r"asr='transformers'.*asr-offline"):
        choose("auto")


def test_what_was_downloaded_is_looked_up_without_the_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    from clamr_select.context.speech.whisper_models import CPU_PREFERENCE, downloaded

    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert downloaded("transformers", preference=CPU_PREFERENCE) is None

    repository = tmp_path / "models--openai--whisper-tiny"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    (snapshot / "model.safetensors").write_bytes(b"x")
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    assert downloaded("transformers", preference=CPU_PREFERENCE) == "tiny"
    assert downloaded("faster-whisper", preference=CPU_PREFERENCE) is None


@pytest.mark.parametrize(
    ("engine", "model", "expected"),
    [
        ("transformers", None, Choice("transformers", "openai/whisper-base", "named")),
        ("transformers", "turbo", Choice("transformers", "openai/whisper-large-v3-turbo", "named")),
        ("transformers", "facebook/wav2vec2-base-960h", Choice("transformers", "facebook/wav2vec2-base-960h", "named")),
        ("faster-whisper", "tiny", Choice("faster-whisper", "Systran/faster-whisper-tiny", "named")),
        ("auto", "tiny", Choice("transformers", "openai/whisper-tiny", "the model was named")),
        ("pocketsphinx", None, Choice("pocketsphinx", None, "named")),
    ],
)
def test_names(engine: str, model: str | None, expected: Choice) -> None:
    assert choose(engine, model=model) == expected


def test_auto_sees_the_format_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")

    assert choose("auto", model=str(tmp_path)).engine == "faster-whisper"


def test_what_does_not_go() -> None:
    with pytest.raises(UnknownNameError, match="faster-whisper"):
        choose("whisper")
    with pytest.raises(InputError, match="model of its own"):
        choose("pocketsphinx", model="tiny")


def test_the_recognizer_of_a_choice() -> None:
    pytest.importorskip("pocketsphinx")

    assert make_recognizer(Choice("pocketsphinx", None, "named"), language="en").source.startswith("pocketsphinx")
