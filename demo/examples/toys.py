"""The second example: a silent film of toys on shelves, most with near twins, some with a label below."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from clamr_select.eval.needle.long_file import Shown, write_mp4
from clamr_select.eval.needle.scene import Background, Place, Scene, Shape

SECONDS_PER_SHOT = 4
FPS = 12
TITLE = "The toy cupboard"
VERSION = 1


@dataclass(frozen=True)
class Toys:
    video: Path
    questions: tuple[tuple[str, str, tuple[float, float]], ...]
    """(question, modality, (start, end) of the answer in seconds)."""


def make_toys(directory: Path) -> Toys:
    """The film in ``directory``, written there first if it is missing; whole or not at all."""
    video = directory / f"toy-cupboard-{VERSION}.mp4"
    if not video.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".making-") as making:
            part = Path(making) / video.name
            seconds = [shot for shot in _shots() for _ in range(SECONDS_PER_SHOT)]
            write_mp4(part, seconds, fps=FPS, crf=23, title=TITLE)
            os.replace(part, video)
    return Toys(video, tuple((question, modality, _span(number)) for question, modality, number in QUESTIONS))


QUESTIONS = (
    ("When is a red boat above a blue fish?", "video", 13),
    ("Which shelf is labelled Spare keys?", "ocr", 22),
    ("When are three yellow stars on screen?", "video", 29),
)
"""(question, modality, number of the shot that answers)."""


def _span(shot: int) -> tuple[float, float]:
    return float(shot * SECONDS_PER_SHOT), float((shot + 1) * SECONDS_PER_SHOT)


def _shots() -> list[Shown]:
    """Thirty-six shots; those that answer are numbers 13, 22 and 29."""
    shots = [
        _shown(_pair("house", "green", "tree", "orange"), "Top shelf"),
        _shown(_one("car", "red", "left")),
        _shown(_pair("boat", "blue", "fish", "red")),
        _shown(_pair("cup", "white", "flower", "pink", ground="blue"), "Tea set"),
        _shown(_several("star", "cyan", 3)),
        _shown(_one("key", "black", "top")),
        _shown(_pair("boat", "red", "cup", "blue")),
        _shown(_one("tree", "green", "right"), "Wooden forest"),
        _shown(_several("star", "yellow", 2, ground="black")),
        _shown(_pair("fish", "blue", "boat", "red")),
        _shown(_one("heart", "purple", "centre")),
        _shown(_pair("car", "orange", "house", "blue"), "Garage keys"),
        _shown(_several("ring", "red", 4)),
        _shown(_pair("boat", "red", "fish", "blue")),
        _shown(_one("flower", "purple", "bottom"), "Garden corner"),
        _shown(_pair("boat", "green", "fish", "blue")),
        _shown(_several("hexagon", "green", 3)),
        _shown(_one("house", "red", "left"), "Doll house"),
        _shown(_pair("fish", "orange", "cup", "green")),
        _shown(_several("heart", "yellow", 3, ground="blue")),
        _shown(_one("boat", "white", "right", ground="purple"), "Spare sails"),
        _shown(_pair("tree", "black", "car", "cyan")),
        _shown(_one("cup", "orange", "left"), "Spare keys"),
        _shown(_pair("flower", "red", "key", "blue")),
        _shown(_several("star", "red", 3)),
        _shown(_one("fish", "purple", "top"), "Bath toys"),
        _shown(_pair("house", "pink", "boat", "black")),
        _shown(_several("diamond", "orange", 2)),
        _shown(_pair("boat", "red", "fish", "green")),
        _shown(_several("star", "yellow", 3, ground="black")),
        _shown(_one("car", "green", "bottom"), "Race track"),
        _shown(_pair("key", "red", "fish", "blue")),
        _shown(_several("star", "yellow", 4, ground="blue")),
        _shown(_one("tree", "red", "centre"), "Autumn box"),
        _shown(_pair("cup", "blue", "house", "purple")),
        _shown(_one("heart", "red", "right"), "Goodbye"),
    ]
    return shots


def _shown(scene: Scene, label: str = "") -> Shown:
    return scene, (("caption", label),) if label else ()


def _one(kind: str, colour: str, place: Place, *, ground: str = "white") -> Scene:
    return Scene((Shape(kind, colour, place=place),), Background(ground, "gradient"))


def _pair(above: str, colour: str, below: str, other: str, *, ground: str = "white") -> Scene:
    shapes = (Shape(above, colour, "small", place="top"), Shape(below, other, "small", place="bottom"))
    return Scene(shapes, Background(ground, "gradient"))


def _several(kind: str, colour: str, count: int, *, ground: str = "white") -> Scene:
    return Scene((Shape(kind, colour, "small", place=None, count=count),), Background(ground, "gradient"))
