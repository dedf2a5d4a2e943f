"""The sample on disk: an mp4, its subtitles and its questions."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from clamr_select.context.timed_text import TimedText
from clamr_select.errors import InputError
from clamr_select.eval.sample.narration import CHAPTERS
from clamr_select.eval.sample.programme import FPS, TITLE, SampleQuestion, build_programme
from clamr_select.eval.sample.video_file import write_mp4

_VIDEO, _SUBTITLES, _QUESTIONS = "orrin-island.mp4", "orrin-island.srt", "questions.json"
_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class SampleVideo:
    """Where the sample lies, and what to ask it."""

    video: Path
    subtitles: Path
    title: str
    duration_seconds: float
    questions: tuple[SampleQuestion, ...]
    """One each for the picture, speech, on-screen text, and picture and speech together."""


def make_sample(directory: str | os.PathLike[str], *, num_chapters: int = len(CHAPTERS)) -> SampleVideo:
    """Write the sample video, its subtitles (srt) and ``questions.json`` into ``directory``.

    It is a ten-minute programme about an invented island: 640x360 H.264 at 25 fps with a voice-like murmur (not
    real speech), subtitles, signs and titles drawn into the pictures, a contents slide and end credits.
    ``num_chapters`` below 9 makes a shorter one with the same questions. Takes under a minute on two cores.
    Files are written whole or not at all, ``questions.json`` last.
    """
    programme = build_programme(num_chapters=num_chapters)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as making:
        parts = Path(making)
        write_mp4(programme, parts / _VIDEO)
        (parts / _SUBTITLES).write_text(_srt(programme.subtitles), encoding="utf-8")
        record = {
            "schema_version": _SCHEMA_VERSION,
            "video": _VIDEO,
            "subtitles": _SUBTITLES,
            "title": TITLE,
            "duration_seconds": programme.num_frames / FPS,
            "questions": [asdict(question) for question in programme.questions],
        }
        (parts / _QUESTIONS).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        for name in (_VIDEO, _SUBTITLES, _QUESTIONS):
            os.replace(parts / name, folder / name)
    return load_sample(folder)


def load_sample(directory: str | os.PathLike[str]) -> SampleVideo:
    """The sample that :func:`make_sample` left in ``directory``.

    Raises:
        InputError: there is none, or one of another version.
    """
    path = Path(directory) / _QUESTIONS
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"no sample in {directory}: {_QUESTIONS} is missing; make_sample writes it") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON ({error}); delete it and call make_sample again") from error
    if record.get("schema_version") != _SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema_version {record.get('schema_version')!r}, allowed: {_SCHEMA_VERSION}; "
            "delete it and call make_sample again"
        )
    return SampleVideo(
        video=path.parent / record["video"],
        subtitles=path.parent / record["subtitles"],
        title=record["title"],
        duration_seconds=record["duration_seconds"],
        questions=tuple(SampleQuestion(**question) for question in record["questions"]),
    )


def ensure_sample(directory: str | os.PathLike[str]) -> SampleVideo:
    """The sample in ``directory``, made there first if there is none."""
    try:
        return load_sample(directory)
    except InputError:
        print(f"making a ten-minute sample video in {directory} (once)", flush=True)
        return make_sample(directory)


def _srt(lines: Sequence[TimedText]) -> str:
    cues = (
        f"{number}\n{_clock(line.start_seconds)} --> {_clock(line.end_seconds)}\n{line.text}\n"
        for number, line in enumerate(lines, start=1)
    )
    return "\n".join(cues)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"
