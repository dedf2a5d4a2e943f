"""``clamr_…`` in ``--model_args``: taken out, checked, and all of them in the key of lmms-eval's cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clamr_select.cli.precompute import parsed
from clamr_select.errors import InputError, UnknownNameError
from clamr_select.integrations.lmms_eval.options import HANDING_OVER, PLACES, SamplerOptions
from clamr_select.integrations.lmms_eval.replay import FileSource
from clamr_select.integrations.lmms_eval.selection_files import file_revision

OTHER_VALUES: dict[str, Any] = {
    "mode": "off",
    "model": "another",
    "model_base": "base",
    "model_revision": "main",
    "compat": "reference",
    "quantization": "4bit",
    "preset": "as_published",
    "num_frames": 4,
    "policy": "topk",
    "similarity": "modality_max",
    "modalities": "video+asr",
    "query": "options",
    "subtitles": "none",
    "effort": "fast",
    "audio": "off",
    "ocr": "off",
    "candidate_fps": 2.0,
    "max_candidates": 100,
    "pair": "none",
    "emit": "images",
    "backend": "pyav",
    "clip_seconds_per_frame": 1.0,
    "on_missing": "uniform",
    "device": "cpu",
    "store": "folder",
    "log": "folder",
    "rev": "0123",
}

WITH_NAMES = (
    "mode", "pair", "emit", "query", "subtitles", "effort", "audio", "ocr", "compat", "backend", "policy", "preset",
    "on_missing",
)  # fmt: skip


def test_arguments_of_the_base_stay() -> None:
    arguments = {"pretrained": "x", "clamr_model": "clamr-nano", "clamr_num_frames": 8, "clamr_modalities": "video+asr"}
    options = SamplerOptions.from_model_args(arguments)

    assert arguments == {"pretrained": "x"}
    assert (options.num_frames, options.modalities, options.mode) == (8, ("video", "asr"), "select")
    assert SamplerOptions.from_model_args({"pretrained": "x"}).mode == "off"


def test_parameters_of_a_policy() -> None:
    arguments = {"clamr_model": "m", "clamr_policy": "topk_gap", "clamr_policy_min_gap_seconds": 2}

    assert SamplerOptions.from_model_args(arguments).select_options() == {"policy": "topk_gap", "min_gap_seconds": 2}


def test_a_preset_and_what_overrides_it() -> None:
    options = SamplerOptions(model="m", preset="as_published", similarity="modality_max")

    assert options.index_options() == {"preset": "as_published"}
    assert options.select_options() == {
        "policy": "topk", "similarity": "modality_max", "modalities": ("video", "asr")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"clamr_num_frames": 8}, "clamr_model must be given"),
        ({"clamr_modle": "clamr-nano"}, "no such argument: clamr_modle; allowed: "),
        ({"clamr_model": "m", "clamr_num_frames": 0}, "clamr_num_frames must be a whole number of at least 1"),
        ({"clamr_model": "m", "clamr_num_frames": True}, "clamr_num_frames"),
        ({"clamr_model": "m", "clamr_candidate_fps": float("nan")}, "clamr_candidate_fps must be a positive number"),
        ({"clamr_mode": "cached"}, "needs clamr_selections=FILE"),
        ({"clamr_mode": "uniform", "clamr_selections": "f.json"}, "no other mode takes it"),
        ({"clamr_model": "m", "clamr_policy_min_gap_seconds": 2}, "name it, clamr_policy=NAME"),
        ({"clamr_model": "m", "clamr_effort": "fast", "clamr_compat": "reference"}, "it takes clamr_effort=full"),
        ({"clamr_model": "m", "clamr_on_missing": "uniform"}, "no other mode than cached takes it"),
    ],
)
def test_what_is_wrong_is_said(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        SamplerOptions.from_model_args(arguments)


@pytest.mark.parametrize(
    "name", sorted(set(OTHER_VALUES) - {"mode", "on_missing", "device", "store", "log", *HANDING_OVER})
)
def test_what_selects_is_refused_where_nothing_is_selected(name: str) -> None:
    """It would be recorded, and ignored."""
    with pytest.raises(InputError, match=f"leave out clamr_{name}, without effect there.*max_num_frames=N"):
        SamplerOptions.from_model_args({"clamr_mode": "uniform", f"clamr_{name}": OTHER_VALUES[name]})


def test_what_goes_with_the_frames_of_the_base() -> None:
    with pytest.raises(InputError, match="leave out clamr_policy, clamr_policy_…, without effect"):
        SamplerOptions(mode="uniform", policy="topk_gap", policy_parameters={"min_gap_seconds": 2})
    kept = {"clamr_log": "l", "clamr_store": "s", "clamr_device": "cpu", "clamr_emit": "images", "clamr_query": "stem"}
    assert SamplerOptions.from_model_args({"clamr_mode": "uniform", **kept}).mode == "uniform"


@pytest.mark.parametrize("name", WITH_NAMES)
def test_unknown_names(name: str) -> None:
    with pytest.raises(UnknownNameError):
        SamplerOptions.from_model_args({"clamr_model": "m", f"clamr_{name}": "nonesuch"})


def test_every_argument_is_in_the_key_of_the_response_cache(tmp_path: Path) -> None:
    """None has another way in, and lmms-eval hashes all of ``--model_args``."""
    from lmms_eval.caching.response_cache import ResponseCache

    def key(arguments: str) -> str:
        cache = ResponseCache.create(
            cache_root=str(tmp_path), model="clamr", model_args=arguments, task_dict={}, world_size=1, global_rank=0
        )
        try:
            return str(cache._model_fingerprint_hash)
        finally:
            cache.close()

    names = {one.name for one in dataclasses.fields(SamplerOptions)} - {"policy_parameters", "selections"}
    assert names == set(OTHER_VALUES)
    plain = "base=oracle,clamr_model=clamr-nano"
    others = {**OTHER_VALUES, "selections": "f.json", "policy_min_gap_seconds": 2.0}
    keys = {name: key(f"{plain},clamr_{name}={value}") for name, value in others.items()}

    assert key(plain) == key(plain)
    assert len({key(plain), *keys.values()}) == 1 + len(others)


def test_the_digest_names_what_decides() -> None:
    """Records of different settings never share a file; where things are kept is no setting."""
    plain = SamplerOptions(model="clamr-nano").digest()
    for name, value in OTHER_VALUES.items():
        if name == "on_missing":  # only with mode=cached
            continue
        other = SamplerOptions.from_model_args({"clamr_model": "clamr-nano", f"clamr_{name}": value}).digest()
        assert (other == plain) == (name in PLACES), name


def test_a_revision_is_held(evaluate: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match=r"clamr_model=clamr-nano is of revision r[0-9a-f]{12}, clamr_rev=0 was"):
        evaluate("clamr", "base=oracle,clamr_model=clamr-nano,clamr_ocr=off,clamr_rev=0", limit=1)


@pytest.mark.parametrize("number_like", ["07555e375941", "000000000012", "123456789012", "12345e678901"])
def test_a_revision_comes_back_as_it_was_printed(
    number_like: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lmms-eval turns what looks like a number into one, and so does our command line."""
    from lmms_eval.utils import simple_parse_args_string

    monkeypatch.setattr("hashlib.sha256", lambda _: SimpleNamespace(hexdigest=lambda: number_like * 5))
    file = tmp_path / "selections.json"
    file.write_text('{"q-0": [1]}', encoding="utf-8")
    printed = f"clamr_mode=cached,clamr_selections={file},clamr_rev={file_revision(file)}"

    for read in (simple_parse_args_string(printed), parsed(printed.split(","))):
        given = SamplerOptions.from_model_args(read)
        assert given.rev == f"r{number_like}"
        FileSource(str(given.selections), rev=given.rev)
    # as they were printed once
    FileSource(str(file), rev=number_like)


def test_classes_take_them_out(evaluate: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="no such argument"):
        evaluate("clamr", "base=oracle,clamr_nonesuch=1")
    with pytest.raises(InputError, match="needs base=NAME"):
        evaluate("clamr", "clamr_model=clamr-nano")
    with pytest.raises(InputError, match="is no model of this lmms-eval"):
        evaluate("clamr", "base=nonesuch")
