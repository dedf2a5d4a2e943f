"""Small copies of MultiVENT 2.0 and MSR-VTT in their own layouts, with what is hard to read in them.

Run as a script to look at them: ``python tests/training/convert/make_copies.py FOLDER``.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from PIL import Image

VIDEOS = {  # id with an underscore in front, with a dash and an underscore inside, that starts with letters of "train_"
    "000884/Wp2WiEz439s": [0, 90, 1200],
    "000884/_nia-r_tA1": [30],
    "000912/trian1": [0, 15],
    "000912/silent": [],
}
QUERIES = {
    "intl_sports_pov_base_0": "cup final, second half",
    "baseball_2019_speech_3": 'the pitcher says "no, not today", and leaves',
    "flood_news_ocr_1": "evacuation route 7",
    "festival_description_0": "lantern festival",
}
JUDGMENTS = [
    ("intl_sports_pov_base_0", "Wp2WiEz439s", 1),
    ("baseball_2019_speech_3", "_nia-r_tA1", 1),
    ("flood_news_ocr_1", "trian1", 1),
    ("flood_news_ocr_1", "Wp2WiEz439s", 1),
    ("festival_description_0", "trian1", 0),
]


def write_csv(path: Path, rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def write_multivent(root: Path) -> None:
    """``mapping.json``, ``frames/`` and ``synthetic.json`` beside the published layout."""
    features = root / "features/train/exp/scale24"
    asr_dir = features / "data/video/baseline/train/speech_to_text/speech_to_text"
    for key, numbers in VIDEOS.items():
        folder, name = key.split("/")
        for number in numbers:
            # 1200 before 90 by name, after it in time; one box without text
            boxes = [["text", "score"], [f"sign {number}, left", 0.9], ["", 0.1], ["NA", 0.5]]
            ocr = features / f"features/train/ocr/icdar_ocr_max/{folder}/{name}.mp4_frames"
            write_csv(ocr / f"{name}_frame_{number}.png.csv", boxes)  # type: ignore[arg-type]
            frame = root / f"frames/train_{folder}_{name}_frame_{number}.jpg"
            frame.parent.mkdir(exist_ok=True, parents=True)
            Image.new("RGB", (64, 36), (number % 256, 0, 0)).save(frame)
        speech = asr_dir / folder / f"{name}.m4a.csv"
        if name == "silent":
            speech.touch()
        else:
            write_csv(
                speech, [["start", "end", "text"], [0, 2, f"hello, from {name}"], [2, 3, ""], [3, 4, "good\nbye"]]
            )
        info = {"title": f"Title of {name}", "description": None if name == "trian1" else f"About {name}."}
        metadata = root / "train" / folder / f"{name}.json"
        metadata.parent.mkdir(parents=True, exist_ok=True)
        metadata.write_text(json.dumps({"yt_meta_dict": {"info": info}}), encoding="utf-8")
    (root / "mapping.json").write_text(json.dumps({f"{key}.mp4": n for key, n in VIDEOS.items()}), encoding="utf-8")
    write_csv(root / "multivent_2_train_queries.csv", [["query_id", "query"], *([q, t] for q, t in QUERIES.items())])
    lines = [json.dumps({"query_id": q, "doc_id": d, "relevance": r}) for q, d, r in JUDGMENTS]
    (root / "multivent_2_train_judgments.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    synthetic = {
        "train_000884_Wp2WiEz439s": {"query": "goal, then a red card", "query_type": "video"},
        "train_000912_trian1": {"query": "good bye", "query_type": "asr"},
    }
    (root / "synthetic.json").write_text(json.dumps(synthetic), encoding="utf-8")


def write_msrvtt(root: Path) -> None:
    """``MSRVTT_data.json``, the list form, the ids of a split and the 1k test, and one transcript."""
    videos = [{"video_id": f"video{i}", "split": "train" if i < 3 else "test", "category": 9} for i in range(4)]
    sentences = [
        {"sen_id": 2 * i + j, "video_id": f"video{i}", "caption": f"a person, number {i}, does thing {j}"}
        for i in range(4)
        for j in range(2)
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / "MSRVTT_data.json").write_text(json.dumps({"info": {}, "videos": videos, "sentences": sentences}))
    listed = [{"video": f"video{i}.mp4", "caption": [f"a, {i}", f"b {i}"]} for i in range(3)]
    (root / "msrvtt_ret_train9k.json").write_text(json.dumps(listed))
    write_csv(root / "MSRVTT_train.9k.csv", [["video_id"], ["video2"], ["video0"]])
    write_csv(
        root / "MSRVTT_JSFUSION_test.csv",
        [["key", "vid_key", "video_id", "sentence"], ["ret0", "msr3", "video3", "a woman, singing, on stage"]],
    )
    (root / "asr").mkdir(exist_ok=True)
    (root / "asr" / "video0.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nwelcome back\n")


if __name__ == "__main__":
    write_multivent(Path(sys.argv[1]) / "multivent")
    write_msrvtt(Path(sys.argv[1]) / "msrvtt")
