"""The examples on disk: found, or made now."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clamr_select.demo.examples.toys import make_toys
from clamr_select.demo.indexes import Source
from clamr_select.errors import InputError
from clamr_select.eval.sample.sample import load_sample, make_sample

logger = logging.getLogger(__name__)

ISLAND_CHAPTERS = 4
"""Of the sample's nine: under five minutes of video."""


@dataclass(frozen=True)
class ExampleQuestion:
    """A question to start with, and where its answer is, for the comparison with uniform sampling."""

    text: str
    modality: str
    """What holds the answer: ``video``, ``asr``, ``ocr`` or ``video+asr``."""
    truth: tuple[tuple[float, float], ...]
    """(start, end) seconds, one or more."""


@dataclass(frozen=True)
class Example:
    """A video that anybody may ask."""

    name: str
    """In addresses and in the API."""
    title: str
    about: str
    video: Path
    subtitles: Path | None
    questions: tuple[ExampleQuestion, ...]

    def source(self, read_text: bool, *, subtitles: Path | None = None) -> Source:
        """As it is to be indexed; ``subtitles`` replace its own."""
        return Source(self.video, subtitles or self.subtitles, read_text, keep=subtitles is None)

    def truth_of(self, question: str) -> tuple[tuple[float, float], ...]:
        """Where the answer is; empty for a question of the user's own."""
        asked = " ".join(question.split()).casefold()
        return next((q.truth for q in self.questions if q.text.casefold() == asked), ())


def load_examples(directory: Path) -> Mapping[str, Example]:
    """Name to example; those that are missing are made in ``directory`` now, in about half a minute."""
    examples = (_island(directory / f"island-{ISLAND_CHAPTERS}"), _toys(directory / "toys"))
    return {example.name: example for example in examples}


def _island(folder: Path) -> Example:
    try:
        sample = load_sample(folder)
    except InputError:
        logger.info("making the example video %s (once)", folder)
        sample = make_sample(folder, num_chapters=ISLAND_CHAPTERS)
    return Example(
        name="orrin-island",
        title="Orrin Island",
        about="Narrated film with signs",
        video=sample.video,
        subtitles=sample.subtitles,
        questions=tuple(
            ExampleQuestion(q.question, q.modality, ((q.start_seconds, q.end_seconds),)) for q in sample.questions
        ),
    )


def _toys(folder: Path) -> Example:
    toys = make_toys(folder)
    return Example(
        name="toy-cupboard",
        title="The toy cupboard",
        about="Silent film, pictures and labels",
        video=toys.video,
        subtitles=None,
        questions=tuple(ExampleQuestion(text, modality, (span,)) for text, modality, span in toys.questions),
    )
