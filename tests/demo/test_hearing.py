"""What the demo says of its ears, and what listening gives."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.context.speech import choose as choosing
from clamr_select.demo import hearing
from clamr_select.demo.hearing import find_hearing
from clamr_select.demo.settings import DemoSettings
from clamr_select.errors import InputError, MissingDependencyError, UnknownNameError


@pytest.fixture
def no_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "downloaded", lambda *a, **k: None)


def test_pocketsphinx_is_offered_and_not_taken_unasked(no_whisper: None) -> None:
    pytest.importorskip("pocketsphinx")
    found = find_hearing(DemoSettings())

    assert found.is_possible
    assert not found.by_default
    assert found.options["asr"] == "pocketsphinx"
    assert found.about.startswith("Where a video has no subtitles. By PocketSphinx: English, two or three of ten")


def test_a_whisper_that_is_here_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "downloaded", lambda engine, **_: "base" if engine == "transformers" else None)
    found = find_hearing(DemoSettings())

    assert found.by_default
    assert "openai/whisper-base" in found.about


def test_nothing_that_hears_is_said(no_whisper: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "_installed", lambda package: False)
    found = find_hearing(DemoSettings())

    assert not found.is_possible
    assert "clamr-select[asr-offline]" in found.about


def test_switched_off_is_off() -> None:
    found = find_hearing(DemoSettings(asr="off"))
    assert (found.is_possible, found.by_default) == (False, False)


def test_what_is_named_is_taken_with_its_model() -> None:
    found = find_hearing(DemoSettings(asr="transformers", asr_model="small", asr_language="de"))

    assert found.by_default
    assert dict(found.options) == {"asr": "transformers", "asr_model": "openai/whisper-small", "asr_language": "de"}
    assert found.about == (
        "Where a video has no subtitles. By transformers, openai/whisper-small: check names and numbers by ear."
    )


def test_wrong_names_fail_before_anybody_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="pocketsphinx"):
        find_hearing(DemoSettings(asr="ears"))
    with pytest.raises(InputError, match="model of its own"):
        find_hearing(DemoSettings(asr="pocketsphinx", asr_model="tiny"))
    with pytest.raises(InputError, match="no effect"):
        DemoSettings(asr="off", asr_language="en")
    monkeypatch.setattr(hearing, "find_spec", lambda package: None)
    with pytest.raises(MissingDependencyError, match="asr-fast"):
        find_hearing(DemoSettings(asr="faster-whisper"))


def test_a_language_that_the_engine_does_not_know_is_told_at_the_start(no_whisper: None) -> None:
    pytest.importorskip("pocketsphinx")
    with pytest.raises(InputError, match="English"):
        find_hearing(DemoSettings(asr_language="de"))
