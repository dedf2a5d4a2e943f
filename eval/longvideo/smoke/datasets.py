"""Documents of the data sets behind lmms-eval's tasks, with their fields, about the barcode videos.

lmms-eval loads ``lmms-eval/Video-MME`` from a folder of that name in the working directory before it asks the hub, so
its own task files run here unchanged and without the network.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clamr_select.eval.longvideo.smoke.barcodes import BarcodeVideo, videos, write_json_subtitles, write_srt
from clamr_select.eval.longvideo.smoke.local_task import documents

Row = dict[str, Any]


def videomme(video: BarcodeVideo, question: Row) -> Row:
    return {
        "video_id": question["id"], "duration": "long", "domain": "Knowledge", "sub_category": "Humanity & History",
        "url": "", "videoID": video.name, "question_id": question["id"], "task_type": "Object Recognition",
        "question": question["question"], "options": question["options"], "answer": question["answer"],
    }  # fmt: skip


def longvideobench(video: BarcodeVideo, question: Row) -> Row:
    options = [option[3:] for option in question["options"]]
    return {
        "video_id": video.name, "question": question["question"],
        "question_wo_referring_query": question["question"], **{f"option{n}": text for n, text in enumerate(options)},
        "option4": "N/A", "correct_choice": "ABCD".index(question["answer"]), "position": [1],
        "topic_category": "KS-Knowledge-STEM", "question_category": "T2O", "level": "L1-Perception",
        "id": question["id"], "video_path": f"{video.name}.mp4", "subtitle_path": f"{video.name}_en.json",
        "duration_group": 3600, "starting_timestamp_for_subtitles": 0, "duration": 64.0, "view_count": 1,
    }  # fmt: skip


def mlvu(video: BarcodeVideo, question: Row) -> Row:
    text = "\n".join([question["question"], *question["options"]])
    number = 4 * int(video.name[-1]) + int(question["id"][-1])
    return {"video_name": f"{video.name}.mp4", "duration": 64.0, "question": text,
            "candidates": [option[3:] for option in question["options"]], "answer": question["answer"],
            "task_type": "needle", "question_id": f"Q{number}"}  # fmt: skip


def lvbench(video: BarcodeVideo, question: Row) -> Row:
    text = "\n".join([question["question"], *question["options"]])
    return {"key": video.name, "type": "cartoon", "video_path": f"{video.name}.mp4", "uid": question["id"],
            "question": text, "answer": question["answer"], "question_type": ["key information retrieval"]}  # fmt: skip


DATA_SETS: dict[str, tuple[str, str, Callable[[BarcodeVideo, Row], Row]]] = {
    # name on the hub: (split, folder of the videos below HF_HOME, its documents)
    "lmms-eval/Video-MME": ("test", "videomme/data", videomme),
    "longvideobench/LongVideoBench": ("validation", "datasets/longvideobench/videos", longvideobench),
    "sy1998/MLVU_dev": ("test", "mlvu", mlvu),
    "lmms-eval/LVBench": ("train", "lvbench", lvbench),
}


def rows() -> Iterator[tuple[str, str, list[Row]]]:
    """(name on the hub, split, documents) of each data set."""
    for name, (split, _, read) in DATA_SETS.items():
        yield name, split, [read(video, question) for video in videos() for question in documents(video, path="")]


def place_media(media: Path, hf_home: Path) -> None:
    """Videos and subtitles where the tasks look for them."""
    for _, folder, _ in DATA_SETS.values():
        (hf_home / folder).mkdir(parents=True, exist_ok=True)
        for video in videos():
            shutil.copy(media / f"{video.name}.mp4", hf_home / folder)
    for video in videos():
        write_srt(hf_home / "videomme" / "subtitle" / f"{video.name}.srt", video.stretches)
        write_json_subtitles(
            hf_home / "datasets" / "longvideobench" / "subtitles" / f"{video.name}_en.json", video.stretches
        )
