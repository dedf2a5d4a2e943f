"""The programme as data: lengths, near misses, and that each question has the one answer it claims."""

from __future__ import annotations

import re

import pytest

from clamr_select.errors import InputError
from clamr_select.eval.needle.predicates import FrameFacts, Predicate, ShapePattern, ShowsShapes, Verdict
from clamr_select.eval.needle.vocabulary import load_words
from clamr_select.eval.sample.narration import CONTENTS, CREDITS, REFRAIN, SIGN, TITLE
from clamr_select.eval.sample.programme import FPS, Programme, SampleQuestion, Shot, build_programme

STAR_LEFT_OF_HEXAGON = ShowsShapes((ShapePattern("star", "yellow"), ShapePattern("hexagon", "purple")), "left of")
GREEN_DIAMOND = ShowsShapes((ShapePattern("diamond", "green"),))


@pytest.fixture(scope="module")
def programme() -> Programme:
    return build_programme()


@pytest.fixture(scope="module")
def questions(programme: Programme) -> dict[str, SampleQuestion]:
    return {question.modality: question for question in programme.questions}


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def written_on(shot: Shot) -> set[str]:
    return words_of(" ".join([shot.sign, shot.title, *shot.lines]))


def shots_showing(programme: Programme, predicate: Predicate) -> list[int]:
    return [i for i, s in enumerate(programme.shots) if predicate.frame(FrameFacts(s.scene)) != Verdict.NO]


def span(programme: Programme, index: int) -> tuple[float, float]:
    start = programme.starts_seconds()[index]
    return start, start + programme.shots[index].num_frames / FPS


def test_ten_minutes_of_shots_of_five_to_ten_seconds(programme: Programme) -> None:
    assert programme.num_frames == 600 * FPS
    assert 70 <= len(programme.shots) <= 90
    lengths = [shot.num_frames / FPS for shot in programme.shots]
    assert lengths.count(20.0) == 2  # contents and credits
    assert all(5 <= seconds < 10 for seconds in lengths if seconds != 20.0)


@pytest.mark.parametrize("num_chapters", range(1, 10))
def test_every_length_has_the_four_questions(num_chapters: int) -> None:
    programme = build_programme(num_chapters=num_chapters)
    assert [q.modality for q in programme.questions] == ["video", "asr", "ocr", "video+asr"]
    for question in programme.questions:
        assert 5 <= question.end_seconds - question.start_seconds <= 10
        assert question.end_seconds <= programme.num_frames / FPS
    assert len({question.start_seconds for question in programme.questions}) == 4


@pytest.mark.parametrize("num_chapters", [0, 10])
def test_number_of_chapters_is_checked(num_chapters: int) -> None:
    with pytest.raises(InputError, match="1 to 9"):
        build_programme(num_chapters=num_chapters)


def test_the_picture_is_there_once_among_near_misses(
    programme: Programme, questions: dict[str, SampleQuestion]
) -> None:
    question = questions["video"]
    (index,) = shots_showing(programme, STAR_LEFT_OF_HEXAGON)
    assert span(programme, index) == pytest.approx((question.start_seconds, question.end_seconds))
    halves = [ShowsShapes((pattern,)) for pattern in STAR_LEFT_OF_HEXAGON.patterns]
    assert all(len(shots_showing(programme, half)) >= 4 for half in halves)
    swapped = ShowsShapes(STAR_LEFT_OF_HEXAGON.patterns, "right of")
    assert len(shots_showing(programme, swapped)) == 1
    looks = {"yellow", "star", "purple", "hexagon"}
    assert not any(looks & (words_of(shot.speech) | written_on(shot)) for shot in programme.shots)


def test_the_speech_is_there_once(programme: Programme, questions: dict[str, SampleQuestion]) -> None:
    question = questions["asr"]
    (line,) = [t for t in programme.subtitles if {"walrus", "cello"} <= words_of(t.text)]
    assert (line.start_seconds, line.end_seconds) == (question.start_seconds, question.end_seconds)
    assert sum(bool({"walrus", "cello"} & words_of(t.text)) for t in programme.subtitles) >= 3  # halves
    assert sum(bool({"walrus", "cello"} & written_on(shot)) for shot in programme.shots) >= 4  # elsewhere


def test_the_sign_is_there_once_and_never_spoken(programme: Programme, questions: dict[str, SampleQuestion]) -> None:
    question = questions["ocr"]
    (index,) = [i for i, shot in enumerate(programme.shots) if shot.sign == SIGN]
    assert span(programme, index) == pytest.approx((question.start_seconds, question.end_seconds))
    assert not {"lotus", "pantry"} & words_of(programme.shots[index].speech)
    assert any({"lotus", "pantry"} <= words_of(t.text) for t in programme.subtitles)  # in the wrong modality
    assert sum(bool({"lotus", "pantry"} & written_on(shot)) for shot in programme.shots) >= 5


def test_words_and_picture_meet_once(programme: Programme, questions: dict[str, SampleQuestion]) -> None:
    question = questions["video+asr"]
    spoken = [i for i, shot in enumerate(programme.shots) if shot.speech == REFRAIN]
    shown = shots_showing(programme, GREEN_DIAMOND)
    assert len(spoken) >= 24
    assert len(shown) >= 5
    (index,) = set(spoken) & set(shown)
    start, end = span(programme, index)
    assert start <= question.start_seconds < question.end_seconds <= end
    mentioned = [i for i, shot in enumerate(programme.shots) if {"bugle", "pier"} & words_of(shot.speech)]
    assert mentioned == spoken
    near = ShowsShapes((ShapePattern(colour="green"),)), ShowsShapes((ShapePattern("diamond"),))
    assert all(len(set(shots_showing(programme, p)) & set(spoken)) >= 2 for p in near)


def test_words_asked_for_were_never_trained_on() -> None:
    asked = {"walrus", "cello", "lotus", "pantry", "bugle", "pier"}
    assert asked <= set(load_words("test"))
    assert {"pier", "pantry"} <= words_of(TITLE)  # a title that holds them answers nothing
    listed = words_of(" ".join(CONTENTS)), words_of(" ".join(CREDITS))
    assert all(asked <= words for words in listed)


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_uniform_sampling_misses(programme: Programme, offset: float) -> None:
    duration = programme.num_frames / FPS
    times = [(j + offset) * duration / 8 for j in range(8)]
    missed = [q for q in programme.questions if not any(q.start_seconds <= t <= q.end_seconds for t in times)]
    assert len(missed) >= 3


def test_subtitles_are_in_order_and_leave_out_what_is_written(programme: Programme) -> None:
    for before, after in zip(programme.subtitles, programme.subtitles[1:], strict=False):
        assert before.start_seconds < before.end_seconds <= after.start_seconds
    assert len({t.text for t in programme.subtitles} - {REFRAIN}) >= 40
    signs = {shot.sign for shot in programme.shots if shot.sign}
    assert len(signs) >= 30
    assert not any(sign.lower() in t.text.lower() for sign in signs for t in programme.subtitles)


def test_it_is_the_same_every_time(programme: Programme) -> None:
    assert build_programme() == programme
