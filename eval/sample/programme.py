"""The sample programme as data: shot after shot, with pictures, signs, subtitles and the four questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from clamr_select.context.timed_text import TimedText
from clamr_select.errors import InputError
from clamr_select.eval.needle.predicates import FrameFacts, Predicate, ShapePattern, ShowsShapes, Verdict
from clamr_select.eval.needle.scene import Background, Scene, Shape, random_scene
from clamr_select.eval.sample.narration import (
    CHAPTERS,
    CONTENTS,
    CREDITS,
    REFRAIN,
    SIGN,
    SPOKEN_ONCE,
    TITLE,
    Chapter,
)

FPS = 25
_SHOTS_PER_CHAPTER = 8
_OPENING_FRAMES, _CARD_FRAMES, _LISTING_FRAMES = 131, 5 * FPS, 20 * FPS
_CHAPTER_FRAMES = 1416  # of a chapter's shots: nine chapters and the rest make ten minutes
_SHOT_FRAMES = (145, 235)
_REFRAIN_SLOTS = (1, 4, 6)
_SEED = 20_240

# (chapter, slot) of what the questions ask for; a shorter programme folds the chapters
_PICTURE_AT, _SPEECH_AT, _SIGN_AT, _BOTH_AT = (2, 3), (4, 5), (6, 2), (7, 4)

_STAR_LEFT = Shape("star", "yellow", "large", place="left")
_HEXAGON_RIGHT = Shape("hexagon", "purple", "large", place="right")
_PICTURE = Scene((_STAR_LEFT, _HEXAGON_RIGHT), Background("white", "gradient"))
_DIAMOND = Scene((Shape("diamond", "green", "large"),), Background("white", "gradient"))
_PICTURE_ASKED = ShowsShapes((ShapePattern("star", "yellow"), ShapePattern("hexagon", "purple")), "left of")
_DIAMOND_ASKED = ShowsShapes((ShapePattern("diamond", "green"),))


@dataclass(frozen=True)
class Shot:
    """One scene of the programme, from cut to cut."""

    scene: Scene
    num_frames: int
    speech: str = ""
    sign: str = ""
    """Written in a band at the bottom."""
    title: str = ""
    lines: tuple[str, ...] = ()
    chapter: int = 0


@dataclass(frozen=True)
class SampleQuestion:
    """A question about the sample and when its answer is to be seen or heard."""

    question: str
    modality: str
    """``video``, ``asr``, ``ocr`` or ``video+asr``: what holds the answer, and nothing else does."""
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Programme:
    shots: tuple[Shot, ...]
    subtitles: tuple[TimedText, ...]
    questions: tuple[SampleQuestion, ...]

    @property
    def num_frames(self) -> int:
        return sum(shot.num_frames for shot in self.shots)

    def starts_seconds(self) -> list[float]:
        """When each shot begins."""
        return [sum(shot.num_frames for shot in self.shots[:i]) / FPS for i in range(len(self.shots))]


def build_programme(*, num_chapters: int = len(CHAPTERS)) -> Programme:
    """The whole programme (9 chapters, 600 s), or its first chapters with the same four questions.

    Raises:
        InputError: ``num_chapters`` is not 1 to 9.
    """
    if not 1 <= num_chapters <= len(CHAPTERS):
        raise InputError(f"num_chapters is 1 to {len(CHAPTERS)}, got {num_chapters}")
    rng = np.random.default_rng(_SEED)
    shots = [_opening(), _slide("Contents", CONTENTS)]
    targets: dict[str, int] = {}
    for number in range(num_chapters):
        card = Shot(_backdrop("blue"), _CARD_FRAMES, title=f"Chapter {number + 1}", chapter=number)
        shots.append(replace(card, lines=(CHAPTERS[number].name,)))
        for slot, shot in enumerate(_chapter_shots(number, num_chapters, rng)):
            for name, at in _targets(num_chapters).items():
                if (number, slot) == at:
                    targets[name] = len(shots)
            shots.append(shot)
    shots.append(_slide("With thanks to", CREDITS))
    return _with_times(tuple(shots), targets)


def _targets(num_chapters: int) -> dict[str, tuple[int, int]]:
    places = {"video": _PICTURE_AT, "asr": _SPEECH_AT, "ocr": _SIGN_AT, "video+asr": _BOTH_AT}
    return {name: (chapter % num_chapters, slot) for name, (chapter, slot) in places.items()}


def _opening() -> Shot:
    return Shot(_backdrop("black"), _OPENING_FRAMES, title="Orrin Island", lines=("A year of signal boards",))


def _slide(title: str, lines: tuple[str, ...]) -> Shot:
    return Shot(_backdrop("black"), _LISTING_FRAMES, title=title, lines=lines)


def _backdrop(colour: str) -> Scene:
    return Scene((), Background(colour, "gradient"))


def _chapter_shots(number: int, num_chapters: int, rng: np.random.Generator) -> Iterator[Shot]:
    """Eight shots: three with the refrain, the others with a sentence each; half of them show a sign."""
    chapter = CHAPTERS[number]
    sentences, signs = iter(chapter.sentences), iter(chapter.signs)
    targets = _targets(num_chapters)
    pictures = _pictures(number, num_chapters, rng)
    for slot, num_frames in enumerate(_lengths(rng)):
        place = (number, slot)
        speech = REFRAIN if slot in _REFRAIN_SLOTS else next(sentences)
        sign = next(signs) if slot in (0, 3, 5, 7) else ""
        if place == targets["asr"]:
            speech, sign = SPOKEN_ONCE, ""
        if place == targets["ocr"]:
            sign = SIGN
        if place == targets["video+asr"]:
            sign = "Stairs to the tower"
        yield Shot(pictures[slot], num_frames, speech, sign, chapter=number)


def _lengths(rng: np.random.Generator) -> list[int]:
    """Frames of a chapter's shots: 5.8 to 9.4 s each, the same sum in every chapter."""
    low, high = _SHOT_FRAMES
    while True:
        lengths = [int(n) for n in rng.integers(low, high, size=_SHOTS_PER_CHAPTER - 1)]
        rest = _CHAPTER_FRAMES - sum(lengths)
        if low <= rest < high:
            return [*lengths, rest]


def _pictures(number: int, num_chapters: int, rng: np.random.Generator) -> list[Scene]:
    """What the chapter's shots show: chance, but for the answers and their near misses."""
    targets = _targets(num_chapters)
    almost = 6 if number % 2 == 0 else 7  # with the fourth question's words, and without
    planned = {0: _near_misses()[number], almost: _diamond_near_misses()[number]}
    if number % 2 == 0 and (number, 2) != targets["ocr"]:
        planned[2] = _DIAMOND  # the picture of the fourth question, without its words
    for name, scene in (("video", _PICTURE), ("video+asr", _DIAMOND)):
        chapter, slot = targets[name]
        if chapter == number:
            planned[slot] = scene
    scenes = []
    for slot in range(_SHOTS_PER_CHAPTER):
        scene = planned.get(slot) or _filler(rng)
        scenes.append(replace(scene, seed=100 * number + slot))
    return scenes


def _near_misses() -> list[Scene]:
    """The first question's picture with one thing changed."""
    left, right = _STAR_LEFT, _HEXAGON_RIGHT
    changed = [
        (replace(right, place="left"), replace(left, place="right")),
        (replace(left, colour="purple"), replace(right, colour="yellow")),
        (replace(left, kind="heart"), right),
        (left, replace(right, kind="circle")),
        (replace(left, colour="orange"), right),
        (left, replace(right, colour="blue")),
        (replace(left, kind="cross"), right),
        (left, replace(right, kind="square")),
        (replace(left, kind="triangle"), right),
    ]
    return [replace(_PICTURE, shapes=shapes) for shapes in changed]


def _diamond_near_misses() -> list[Scene]:
    (diamond,) = _DIAMOND.shapes
    looks = [("circle", "green"), ("square", "green"), ("diamond", "purple"), ("diamond", "red"), ("heart", "green")]
    looks += [("arrow", "green"), ("diamond", "blue"), ("diamond", "orange"), ("ring", "green")]
    return [replace(_DIAMOND, shapes=(replace(diamond, kind=k, colour=c),)) for k, c in looks]


def _filler(rng: np.random.Generator) -> Scene:
    """A tidy scene that answers neither question about the picture."""
    while True:
        scene = random_scene(rng)
        style = scene.background.style if scene.background.style != "noise" else "gradient"
        scene = replace(scene, background=replace(scene.background, style=style))
        facts = FrameFacts(scene)
        asked: tuple[Predicate, ...] = (_PICTURE_ASKED, _DIAMOND_ASKED)
        if all(predicate.frame(facts) == Verdict.NO for predicate in asked):
            return scene


def _with_times(shots: tuple[Shot, ...], targets: dict[str, int]) -> Programme:
    subtitles: list[TimedText] = []
    spans: list[tuple[float, float]] = []
    spoken: list[tuple[float, float]] = []
    start = 0
    for shot in shots:
        first, last = start / FPS, (start + shot.num_frames) / FPS
        cue = (round(first + 0.2, 3), round(last - 0.2, 3))
        if shot.speech:
            subtitles.append(TimedText(*cue, shot.speech))
        spans.append((first, last))
        spoken.append(cue)
        start += shot.num_frames
    questions = (
        SampleQuestion("When is a yellow star to the left of a purple hexagon?", "video", *spans[targets["video"]]),
        SampleQuestion("What is said about the walrus and the cello?", "asr", *spoken[targets["asr"]]),
        SampleQuestion("Which sign on screen reads Lotus Pantry?", "ocr", *spans[targets["ocr"]]),
        SampleQuestion(
            "When does the narrator mention the bugle on the pier while a green diamond is on screen?",
            "video+asr",
            *spoken[targets["video+asr"]],
        ),
    )
    return Programme(shots, tuple(subtitles), questions)


__all__ = ["FPS", "TITLE", "Chapter", "Programme", "SampleQuestion", "Shot", "build_programme"]
