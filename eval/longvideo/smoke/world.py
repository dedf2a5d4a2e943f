"""Write the small world into a folder: ``python -m clamr_select.eval.longvideo.smoke.world FOLDER``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from clamr_select.eval.longvideo.smoke import barcodes, datasets, local_task
from clamr_select.eval.longvideo.smoke.models import OF_THE_RUNS, save_model

PLUGIN = "clamr_select_oracle-1.0.dist-info"


def make_world(folder: Path, *, models: tuple[str, ...] = OF_THE_RUNS) -> Path:
    """Everything below ``folder``: ``models/NAME``, ``media``, ``tasks`` for ``--include_path``, ``plugin`` for
    ``PYTHONPATH``, ``hf`` for ``HF_HOME``, and data sets by their names on the hub."""
    for name in models:
        save_model(name, folder / "models" / name)
    docs = []
    for video in barcodes.videos():
        path = barcodes.write_video(folder / "media" / f"{video.name}.mp4")
        barcodes.write_srt(path.with_suffix(".srt"), video.stretches)
        docs += local_task.documents(video, path=str(path.resolve()))
    data = write_lines(folder / "tasks" / "barcodes.jsonl", docs)
    (folder / "tasks" / "barcodes.yaml").write_text(local_task.TASK.format(data=data.name), encoding="utf-8")
    for name, split, rows in datasets.rows():
        write_lines(folder / name / f"{split}.jsonl", rows)
    datasets.place_media(folder / "media", folder / "hf")
    write_plugin(folder / "plugin")
    return folder


def write_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_plugin(folder: Path) -> None:
    """What an installed package would leave: lmms-eval finds the oracle by its entry point."""
    info = folder / PLUGIN
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clamr-select-oracle\nVersion: 1.0\n", encoding="utf-8")
    points = "[lmms_eval.models]\noracle = clamr_select.eval.longvideo.smoke.oracle:manifests\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    make_world(parser.parse_args().folder)
