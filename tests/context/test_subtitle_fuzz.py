"""Whatever the bytes, the readers give a sound track or ``SubtitlesError``, and in linear time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clamr_select.context.subtitles import load_subtitles
from clamr_select.errors import SubtitlesError

STAMP = st.from_regex(r"\A-?\d{0,3}:?\d{1,2}:\d{1,2}[.,]?\d{0,4}\Z")
WORDS = st.text(max_size=12) | st.sampled_from(
    [
        "<i>",
        "</font>",
        "{\\p1}",
        "{",
        "}",
        "\\N",
        "&amp;",
        "&#0;",
        "&#xD800;",
        "-->",
        "\n\n",
        "\n",
        "7",
        "[",
        "]",
    ]
)
TEXT = st.lists(WORDS, max_size=5).map("".join)
SRT = st.lists(st.tuples(STAMP, STAMP, TEXT)).map(
    lambda cues: "\n".join(f"{n}\n{a} --> {b}\n{text}\n" for n, (a, b, text) in enumerate(cues))
)
ASS = st.lists(st.tuples(STAMP, STAMP, TEXT)).map(
    lambda cues: (
        "[Script Info]\n[V4+ Styles]\nStyle: ,\n[Events]\n"
        + "\n".join(f"Dialogue: 0,{a},{b},,,,,,,{t}" for a, b, t in cues)
    )
)
TIME = STAMP | st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(st.none(), max_size=3)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "start": TIME,
        "end": TIME,
        "timestamp": st.lists(TIME) | TIME,
        "text": TEXT | TIME,
        "line": TEXT,
    },
)
JSON = (
    st.lists(ITEM | st.none())
    .flatmap(lambda items: st.sampled_from([items, {"segments": items}, {"chunks": items}, {"segments": {"a": items}}]))
    .map(json.dumps)
)
CONTENT = st.one_of(
    st.binary(),
    st.one_of(SRT, SRT.map("WEBVTT\n\n".__add__), ASS, JSON, TEXT).flatmap(
        lambda text: st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]).map(
            lambda encoding: text.encode(encoding, errors="replace")
        )
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=CONTENT, duration_seconds=st.none() | st.floats(0, 1e5))
def test_any_bytes(content: bytes, duration_seconds: float | None, tmp_path_factory) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "fuzz.srt"
    path.write_bytes(content)
    try:
        track = load_subtitles(path, duration_seconds=duration_seconds)
    except SubtitlesError:
        return

    assert track.lines
    starts = [line.start_seconds for line in track.lines]
    assert starts == sorted(starts)
    for line in track.lines:
        assert line.start_seconds <= line.end_seconds < float("inf")
        assert line.text == " ".join(line.text.split()) != ""
        line.text.encode("utf-8")


@pytest.mark.parametrize(
    "body",
    [
        "{" * 400_000,
        "<" * 400_000,
        "<c" * 200_000,
        "&" * 400_000,
        "{\\i1}" * 80_000,
        "\n" * 400_000,
        "a\n" * 200_000,
    ],
    ids=["braces", "angles", "open tags", "entities", "overrides", "blank lines", "lines"],
)
@pytest.mark.parametrize("header", ["", "WEBVTT\n\n", "[Events]\nDialogue: 0,0:00:00.10,0:00:00.20,,,,,,,"])
def test_hostile_repetition_is_read_in_linear_time(header: str, body: str, write_file) -> None:
    timing = "00:00:00.100 --> 00:00:00.200\n"
    cue = header + f"say {body} this\n" if "Dialogue" in header else header + f"{timing}say {body} this\n"
    path = write_file("hostile.srt", f"{cue}\n{timing}say {body} this\n")

    started = time.process_time()
    assert load_subtitles(path).lines

    assert time.process_time() - started < 4
