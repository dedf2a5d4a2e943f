"""Where data sets keep the subtitles of a video, on the clock of the file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clamr_select.context.speech.lines import spoken_lines
from clamr_select.context.timed_text import TimedWord
from clamr_select.errors import SubtitlesError
from clamr_select.integrations.lmms_eval.tasks.fields import data_folder, existing, hf_home
from clamr_select.integrations.lmms_eval.tasks.registry import Doc
from clamr_select.store import default_folder
from clamr_select.text_lines import numbered_lines

LONGVIDEOBENCH = "datasets/longvideobench"
VIDEOMME_V2 = "videomme_v2"


def longvideobench_subtitles(doc: Doc, arguments: Mapping[str, Any]) -> str | None:
    """The file; where the video is a part of a longer one, a copy of it on the clock of the part."""
    if not doc.get("subtitle_path"):
        return None
    folder = data_folder(arguments, usual=LONGVIDEOBENCH) / str(arguments.get("subtitle_subdir", "subtitles"))
    found = existing(folder / str(doc["subtitle_path"]))
    offset = float(doc.get("starting_timestamp_for_subtitles") or 0)
    return found if found is None or offset == 0 else _shifted(Path(found), by_seconds=-offset)


def videomme_v2_subtitles(doc: Doc, arguments: Mapping[str, Any]) -> str | None:
    """A copy in lines: the data set has a word a line."""
    folder = data_folder(arguments, usual=VIDEOMME_V2) / "subtitle"
    found = existing(folder / f"{doc['video_id']}.jsonl")
    if found is None:
        return None
    file = Path(found)
    return _copy(file, change="lines", changed=lambda: _lines_of_words(file))


def cgbench_subtitles(doc: Doc) -> str | None:
    """From the folders that lmms-eval's task looks into."""
    name = f"{doc['video_uid']}.srt"
    roots = [os.environ.get(variable) for variable in ("CGBENCH_SUBTITLE_DIR", "CGBENCH_ROOT", "LMMS_EVAL_MEDIA_ROOT")]
    roots += [str(hf_home() / "cg_videos_720p"), str(hf_home())]
    places = [Path(root) / part / name for root in roots if root for part in ("", "cg_subtitles", "subtitles")]
    return next((found for place in places if (found := existing(place))), None)


def _shifted(file: Path, *, by_seconds: float) -> str:
    """Both of the forms in LongVideoBench's files: ``timestamp`` in seconds, or ``start`` and ``end`` as h:m:s."""
    return _copy(
        file,
        change=str(by_seconds),
        changed=lambda: _cues(json.loads(file.read_text(encoding="utf-8")), by_seconds),
    )


def _lines_of_words(file: Path) -> list[dict[str, Any]]:
    """Raises:
    SubtitlesError: it is not a word a line, with its times.
    """
    try:
        rows = [json.loads(line) for _, line in numbered_lines(file)]
        words = [TimedWord(float(row["start_time"]), float(row["end_time"]), f" {row['text']}") for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise SubtitlesError(
            f"{str(file)!r} does not hold a word a line with text, start_time and end_time: {error}"
        ) from error
    return [{"timestamp": [line.start_seconds, line.end_seconds], "text": line.text} for line in spoken_lines(words)]


def _copy(file: Path, *, change: str, changed: Callable[[], list[dict[str, Any]]]) -> str:
    """Path of a changed copy; it is made where this content was not changed so before."""
    named = hashlib.sha256(file.read_bytes() + change.encode()).hexdigest()[:16]
    copy = default_folder() / "subtitles" / f"{file.stem}-{named}.json"
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        part = copy.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(changed(), ensure_ascii=False), encoding="utf-8")
        os.replace(part, copy)  # other ranks read the same folder
    return str(copy)


def _cues(lines: list[dict[str, Any]], by_seconds: float) -> list[dict[str, Any]]:
    """Those that end after the start of the part."""
    cues = []
    for line in lines:
        if "timestamp" in line:
            start, end = line["timestamp"]
            words = line["text"]
        else:
            start, end, words = _seconds(line["start"]), _seconds(line["end"]), line["line"]
        end = start if end is None or isinstance(end, str) else end
        if end + by_seconds > 0:
            cues.append({"timestamp": [max(0.0, start + by_seconds), end + by_seconds], "text": words})
    return cues


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
