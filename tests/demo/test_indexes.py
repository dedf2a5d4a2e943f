"""The indexes of all visitors: bounded, shared by content, given up when nobody waits."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from clamr_select.demo.asking import NO_VIDEO, Asking, Question, Results
from clamr_select.demo.hearing import SWITCHED_OFF, Hearing
from clamr_select.demo.indexes import Indexes, Ready, Source
from clamr_select.demo.session import MAX_TURNS, Session
from clamr_select.demo.settings import DemoSettings
from clamr_select.errors import InputError, UnreadableVideoError, VideoNotFoundError
from clamr_select.selector import FrameSelector

DEAF = Hearing(SWITCHED_OFF)


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture
def indexes(selector: FrameSelector, tmp_path: Path) -> Indexes:
    return make_indexes(selector, tmp_path / "kept")


def make_indexes(selector: FrameSelector, kept: Path, *, hearing: Hearing = DEAF) -> Indexes:
    return Indexes(selector, max_videos=2, index_options={"candidate_fps": 0.2}, keep_dir=kept, hearing=hearing)


def finish(steps: Generator[Any, None, Ready]) -> tuple[list[dict[str, tuple[int, int]]], Ready]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as done:
            return seen, done.value


def test_a_video_is_indexed_once_and_tells_how_far_it_is(indexes: Indexes, color_video: Path) -> None:
    source = Source(color_video, read_text=False)
    stages, first = finish(indexes.ready(source))
    none, second = finish(indexes.ready(source))

    assert stages[0]["decoding"][1] == 6
    assert {stage for report in stages for stage in report} <= {"decoding", "encoding"}
    assert (first.was_kept, second.was_kept) == (False, True)
    assert none == []
    assert second.video is first.video


def test_the_video_asked_longest_ago_goes_first(indexes: Indexes, color_video: Path, tmp_path: Path) -> None:
    sources = []
    for name in "abc":
        sources.append(Source(Path(shutil.copy(color_video, tmp_path / f"{name}.mp4")), read_text=False))
        finish(indexes.ready(sources[-1]))
        finish(indexes.ready(sources[0]))
    kept = [finish(indexes.ready(source))[1].was_kept for source in (sources[0], sources[2])]

    assert len(indexes) == 2
    assert kept == [True, True]
    assert not finish(indexes.ready(sources[1]))[1].was_kept


def test_another_content_or_other_subtitles_are_another_video(
    indexes: Indexes, color_video: Path, subtitles: Path, tmp_path: Path
) -> None:
    video = Path(shutil.copy(color_video, tmp_path / "a.mp4"))
    finish(indexes.ready(Source(video, read_text=False)))
    assert not finish(indexes.ready(Source(video, subtitles, read_text=False)))[1].was_kept
    video.write_bytes(video.read_bytes() + b"\0")
    assert not finish(indexes.ready(Source(video, read_text=False)))[1].was_kept
    video.unlink()
    with pytest.raises(VideoNotFoundError):
        finish(indexes.ready(Source(video, read_text=False)))


def test_only_what_shall_be_kept_lies_on_disk(selector: FrameSelector, color_video: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    made = [make_indexes(selector, kept) for _ in range(2)]
    finish(made[0].ready(Source(color_video, read_text=False)))
    assert not kept.exists()
    finish(made[0].ready(Source(color_video, read_text=False, keep=True)))
    assert not kept.exists()  # it was in memory already
    stages, _ = finish(made[1].ready(Source(color_video, read_text=False, keep=True)))
    assert stages
    again = make_indexes(selector, kept)
    stages, ready = finish(again.ready(Source(color_video, read_text=False, keep=True)))
    assert stages == []
    assert "decode" not in ready.video.timings_seconds


def test_a_visitor_who_leaves_ends_the_work(indexes: Indexes, color_video: Path, monkeypatch) -> None:
    encoded = []
    encode = indexes.selector.encoder.encode_document
    monkeypatch.setattr(
        indexes.selector.encoder, "encode_document", lambda *given, **more: encoded.append(1) or encode(*given, **more)
    )
    monkeypatch.setitem(indexes.index_options, "candidate_fps", 10.0)
    steps = indexes.ready(Source(color_video, read_text=False))
    next(steps)
    steps.close()

    assert len(indexes) == 0
    assert len(encoded) <= 1  # of five chunks
    assert indexes.model_lock.acquire(blocking=False)


def test_a_broken_video_is_an_error_of_its_visitor(indexes: Indexes, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    with pytest.raises(UnreadableVideoError):
        finish(indexes.ready(Source(broken)))
    assert len(indexes) == 0


def asked(asking: Asking, session: Session, **question: Any) -> list[Results]:
    return [step for step in asking.select(session, Question(**question)) if step is not None]


def test_a_turn_ends_with_frames_or_a_sentence(indexes: Indexes, color_video: Path) -> None:
    asking = Asking(indexes, vlm=None, settings=DemoSettings())
    session = Session()
    assert asked(asking, session, text="Where?") == []
    assert (session.turns[-1].state, session.turns[-1].error) == ("error", NO_VIDEO)

    session.source = Source(color_video, read_text=False)
    (results,) = asked(asking, session, text="Where?", num_frames=3)
    assert session.turns[-1].state == "done"
    assert len(results.frames["frames"]) == len(results.frames["uniform"]) == 3

    for wrong in (
        {"text": " "},
        {"text": "x" * 1001},
        {"text": "x", "num_frames": 33},
        {"text": "x", "policy": "none"},
    ):
        assert asked(asking, session, **wrong) == []
        assert session.turns[-1].state == "error"
    assert asked(asking, session, text="x", span=(90.0, 99.0)) == []
    assert "no candidate frame" in session.turns[-1].error


def test_a_page_keeps_its_last_turns_alone(indexes: Indexes) -> None:
    asking = Asking(indexes, vlm=None, settings=DemoSettings())
    session = Session()
    for number in range(MAX_TURNS + 5):
        asked(asking, session, text=f"question {number}")

    assert [turn.question for turn in session.turns] == [f"question {n}" for n in range(5, MAX_TURNS + 5)]


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [(3, 9.5, (3.0, 9.5)), (9, 3, (3.0, 9.0)), (None, None, None), ("1", 2, None), (float("nan"), 1, None)],
)
def test_a_span_from_the_page_is_checked(start: object, end: object, span: tuple[float, float] | None) -> None:
    session = Session(span=(1.0, 2.0))
    session.choose_span(start, end)

    assert session.span == span


def test_settings_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="max_frames=0"):
        DemoSettings(max_frames=0)
    with pytest.raises(InputError, match="must be a folder"):
        DemoSettings(media_dir=tmp_path / "none")


LISTENS = Hearing("", "a test", {"asr": "pocketsphinx"})


def test_a_video_is_heard_where_that_is_wanted_and_there_are_no_subtitles(
    selector: FrameSelector, talk: Path, subtitles: Path, tmp_path: Path
) -> None:
    """Even by an engine that was named, which the library would let hear in place of subtitles."""
    pytest.importorskip("pocketsphinx")
    indexes = make_indexes(selector, tmp_path / "kept", hearing=LISTENS)
    beside = Path(shutil.copy(talk, tmp_path / "talk.mp4"))
    shutil.copy(subtitles, beside.with_suffix(".srt"))
    _, plain = finish(indexes.ready(Source(talk, read_text=False)))
    stages, heard = finish(indexes.ready(Source(talk, read_text=False, listen=True)))
    _, read = finish(indexes.ready(Source(talk, subtitles, read_text=False, listen=True)))
    _, found = finish(indexes.ready(Source(beside, read_text=False, listen=True)))

    assert [ready.speech for ready in (plain, heard, read, found)] == ["unheard", "heard", "read", "read"]
    assert plain.video.method["asr"] == "none"
    assert heard.video.method["asr"].startswith("pocketsphinx")
    assert stages[0] == {"hearing speech": (0, 22)}
    assert "goals" in str(heard.video.words["asr"])
    assert "walrus" in str(read.video.words["asr"])
    assert "walrus" in str(found.video.words["asr"])


def test_what_was_heard_steers_the_choice_to_the_second_it_is_said(selector: FrameSelector, talk: Path) -> None:
    pytest.importorskip("pocketsphinx")
    asking = Asking(make_indexes(selector, talk.parent, hearing=LISTENS), vlm=None, settings=DemoSettings())
    best = {}
    for listen in (False, True):
        session = Session(Source(talk, read_text=False, listen=listen))
        for question, start in (("a red boat at the harbor", 4.0), ("Who scored three goals?", 14.0)):
            asked(asking, session, text=question, num_frames=1)
            (seconds,) = session.turns[-1].selection.timestamps_seconds
            best[listen, start] = seconds

    assert all(start - 1 <= best[True, start] <= start + 5 for start in (4.0, 14.0))
    # unheard, this grey picture is the same everywhere, and nothing but chance finds both
    assert not all(start - 1 <= best[False, start] <= start + 5 for start in (4.0, 14.0))


def test_a_video_without_sound_is_not_listened_to(selector: FrameSelector, color_video: Path, tmp_path: Path) -> None:
    indexes = make_indexes(selector, tmp_path, hearing=LISTENS)
    stages, ready = finish(indexes.ready(Source(color_video, read_text=False, listen=True)))

    assert ready.speech == "silent"
    assert not any("hearing speech" in report for report in stages)


def test_who_stops_listening_ends_it(selector: FrameSelector, talk: Path, tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    indexes = make_indexes(selector, tmp_path, hearing=LISTENS)
    steps = indexes.ready(Source(talk, read_text=False, listen=True))
    assert next(steps) == {"hearing speech": (0, 22)}
    steps.close()

    assert len(indexes) == 0
    assert indexes.model_lock.acquire(blocking=False)


def test_what_cannot_listen_says_so(selector: FrameSelector, color_video: Path, indexes: Indexes) -> None:
    with pytest.raises(InputError, match="switched off on this server"):
        finish(indexes.ready(Source(color_video, listen=True)))
