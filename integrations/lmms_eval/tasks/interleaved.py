"""LongVideoBench's interleaved tasks: sixteen pictures, and the subtitles between them in the text.

Both are made again for the selected frames, the text by the task's own function: left as it was, the words would stand
beside other pictures than those they were spoken over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clamr_select.errors import InputError
from clamr_select.integrations.lmms_eval.tasks.fields import data_folder
from clamr_select.integrations.lmms_eval.tasks.registry import Doc
from clamr_select.integrations.lmms_eval.tasks.subtitle_files import LONGVIDEOBENCH

DEFAULT_FRAMES = 16


def task_frames(doc: Doc, arguments: Mapping[str, Any]) -> int:
    """How many pictures the task itself shows."""
    return max(1, min(int(arguments.get("max_num_frames", DEFAULT_FRAMES)), int(doc["duration"])))


def retimed_text(text: str, doc: Doc, arguments: Mapping[str, Any], timestamps_seconds: Sequence[float]) -> str:
    """The text with its subtitles and ``<image>`` marks in the order of the selected frames.

    Raises:
        InputError: the text does not hold what the task's own functions put there: another version of lmms-eval.
    """
    from lmms_eval.tasks.longvideobench import utils

    file = (
        data_folder(arguments, usual=LONGVIDEOBENCH)
        / str(arguments.get("subtitle_subdir", "subtitles"))
        / doc["subtitle_path"]
    )
    subtitles = json.loads(Path(file).read_text(encoding="utf-8"))
    evenly = utils.compute_frame_timestamps(doc["duration"], int(arguments.get("max_num_frames", DEFAULT_FRAMES)))
    offset, duration = doc["starting_timestamp_for_subtitles"], doc["duration"]
    before = utils.insert_subtitles_into_frames(evenly, subtitles, offset, duration)
    if before not in text:
        raise InputError(
            "the subtitles of this longvideobench prompt are not where this lmms-eval's own code puts them"
        )
    return text.replace(
        before, utils.insert_subtitles_into_frames(list(timestamps_seconds), subtitles, offset, duration)
    )
