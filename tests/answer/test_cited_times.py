"""Times in a model's words become places to go to, and nothing else does."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clamr_select.answer.cited_times import split_cited_times
from clamr_select.selection import Selection, VideoFacts

SELECTION = Selection(
    video="talk.mp4",
    question="?",
    frame_indices=(),
    timestamps_seconds=(),
    scores=(),
    modality=(),
    scores_by_modality={},
    text=(),
    method={},
    video_facts=VideoFacts(320, 180, 300, 0.0, 30.0, 10.0),
)


def cited(text: str, selection: Selection) -> list[tuple[str, float]]:
    return [(p["text"], p["seconds"]) for p in split_cited_times(text, selection) if "seconds" in p]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The walrus sings at <12.3 seconds>.", [("12.3 seconds", 12.3)]),
        ("It is at 12.3 s, and at 27s.", [("12.3 s", 12.3), ("27s", 27.0)]),
        ("From 00:05 to 00:29.5 it sleeps.", [("00:05", 5.0), ("00:29.5", 29.5)]),
        ("At 0:00:07 it wakes.", [("0:00:07", 7.0)]),
        ("**00:05**: the bugle", [("00:05", 5.0)]),
        ("Between 3 and 7 seconds.", [("7 seconds", 7.0)]),
        ("1 second in", [("1 second", 1.0)]),
        ("between 10-20 s, 12.5s-14.0s", [("20 s", 20.0), ("12.5s", 12.5), ("14.0s", 14.0)]),
        ("at 30.4 seconds, the last frame", [("30.4 seconds", 30.0)]),  # models round past the end
    ],
)
def test_times_within_the_video_are_citations(
    text: str, expected: list[tuple[str, float]], color_selection: Selection
) -> None:
    assert cited(text, color_selection) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It is at 04:10.",  # past the end
        "at 95 seconds",
        "5 seconds later it falls, 3 seconds long, in 2 seconds of silence",
        "The score was 3:1 and the ratio 16:9.",
        "Version 1.2.3, the 7 samurai, 4K, 12 systems, IP 10:20:30:40",
        "12:75 is no time",
        "um 12,5 s",
        "at 1,005 seconds, at 1,2,3 s",
        "at <-0.3 seconds>, before it begins, and at -0.3 s",
        "",
    ],
)
def test_what_is_no_time_of_the_video_stays_text(text: str, color_selection: Selection) -> None:
    assert cited(text, color_selection) == []
    assert "".join(p["text"] for p in split_cited_times(text, color_selection)) == text


def test_a_clock_that_starts_late_counts_from_its_start(color_selection: Selection) -> None:
    facts = dataclasses.replace(color_selection.video_facts, start_seconds=100.0)
    late = dataclasses.replace(color_selection, video_facts=facts)

    assert cited("at 12 s and at 112 s", late) == [("112 s", 112.0)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 1,234 seconds", [("1,234 seconds", 1234.0)]),
        ("at <1,234.5 seconds>", [("1,234.5 seconds", 1234.5)]),
        ("at <-0.3 seconds>", [("-0.3 seconds", -0.3)]),
        ("at 12,345,678 s", []),
    ],
)
def test_long_and_negative_times_are_read_whole(
    text: str, expected: list[tuple[str, float]], color_selection: Selection
) -> None:
    facts = dataclasses.replace(color_selection.video_facts, start_seconds=-0.5, duration_seconds=4000.0)
    assert cited(text, dataclasses.replace(color_selection, video_facts=facts)) == expected


@given(text=st.text(alphabet="0123456789:.,- s<>secondat\n\u00a0", max_size=40))
def test_no_word_is_lost(text: str) -> None:
    """All that can go is the mark around a time; runs on anything in the alphabet of times."""
    pieces = split_cited_times(text, SELECTION)
    rest = "".join(p["text"] for p in pieces)

    assert rest.replace("<", "").replace(">", "") == text.replace("<", "").replace(">", "")
    assert all(0 <= p["seconds"] <= 30 for p in pieces if "seconds" in p)
