"""Names to systems, groups, fusions, and what is refused."""

from __future__ import annotations

import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.eval.retrieval.systems import (
    Fused,
    Scores,
    Words,
    checkpoint_of,
    encoders_of,
    expand,
    find_system,
    groups,
    part_that_is,
    tables_of,
)


def test_names_say_what_is_scored() -> None:
    assert find_system("clamr") == Scores("clamr", "token_max", votes=True)
    assert find_system("clamr_asr") == Scores("clamr", "asr")
    assert find_system("pooled") == Scores("pooled", "pooled")
    assert find_system("trained_token_max") == Scores("token_max", "token_max", votes=True)
    assert find_system("ocr") == Scores("ocr", "token_max")
    assert find_system("bm25_ocr") == Words(("ocr",), "words")
    average = find_system("clip_average")
    assert isinstance(average, Fused)
    assert dict(average.members) == {m: Scores("clip", m) for m in ("video", "ocr", "asr", "description")}
    assert set(encoders_of(find_system("router"))) == {"video", "ocr", "asr", "description"}
    assert list(encoders_of(find_system("bm25"))) == []
    assert checkpoint_of("trained_on_asr") == "asr"
    assert checkpoint_of("pooled") == "pooled"


def test_every_name_of_every_group_is_a_system() -> None:
    found = groups()
    assert {"ours", "views", "words", "clip", "siglip2", "mclip", "xclip", "clap", "text"} == set(found)
    every = expand(list(found))
    assert len(every) == sum(len(names) for names in found.values())
    assert found["clap"] == ("clap_audio",)
    assert "text_video" not in every
    assert next(iter(expand(["bm25", "words"]))) == "bm25"


def test_fusions_are_written_out() -> None:
    fused = find_system("rrf:clamr+bm25")
    assert fused == Fused("rrf", (("clamr", find_system("clamr")), ("bm25", find_system("bm25"))))
    router = find_system("router:clip_video+bm25_asr")
    assert isinstance(router, Fused)
    assert [label for label, _ in router.members] == ["video", "asr"]
    both = find_system("average:clip_asr+bm25_asr")
    assert isinstance(both, Fused)
    assert [label for label, _ in both.members] == ["clip_asr", "bm25_asr"]
    assert len(list(tables_of(find_system("max:clip_average+clamr")))) == 5


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("magic", UnknownNameError, "clamr"),
        ("sum:clamr+bm25", UnknownNameError, "rrf"),
        ("rrf:clamr", InputError, "two systems"),
        ("rrf:clamr+clamr", InputError, "two systems"),
        ("rrf:clamr+magic", UnknownNameError, "magic"),
        ("router:clamr+bm25", InputError, "one modality each"),
        ("router:clip_asr+bm25_asr", InputError, "one modality each"),
    ],
)
def test_what_is_no_system_is_refused(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        expand([name])


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        expand([])


def test_a_modality_that_the_model_lacks_is_left_out() -> None:
    tables = {"clamr": ("token_max", "video", "asr")}
    assert part_that_is(find_system("clamr_audio"), tables=tables) is None
    kept = part_that_is(find_system("clamr_average"), tables=tables)
    assert isinstance(kept, Fused)
    assert [label for label, _ in kept.members] == ["video", "asr"]
    assert part_that_is(find_system("bm25"), tables=tables) == find_system("bm25")
