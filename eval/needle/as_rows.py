"""Documents of the benchmark as a data set in the row format: ``python -m clamr_select.eval.needle.as_rows FOLDER``.

For what reads rows (training, ``clamr-select eval retrieval``) to be tried without any download. Times are lost: a row
holds all text of a modality in one piece.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image

from clamr_select.eval.needle.documents import DocumentSet, documents
from clamr_select.training.data.rows import TARGETS


def write_rows(found: DocumentSet, folder: Path) -> int:
    """``rows.jsonl``, a row for each question and document that answers it; ``documents.jsonl``, all documents
    without a question; ``frames/`` as PNG. Questions about two modalities or about order have no ``query_type``.

    Returns:
        How many rows with questions there are.
    """
    frames = folder / "frames"
    frames.mkdir(parents=True, exist_ok=True)
    bare = [_row(found, number, frames) for number in range(len(found.documents))]
    asked = [
        {
            **bare[number],
            "query": question.query.text,
            "query_type": question.target if question.target in TARGETS else None,
            "query_id": f"needle-{at}",
        }
        for at, question in enumerate(found.questions)
        for number in question.query.positive_documents
    ]
    _write(folder / "rows.jsonl", asked)
    _write(folder / "documents.jsonl", bare)
    return len(asked)


def _row(found: DocumentSet, number: int, frames: Path) -> dict[str, Any]:
    document = found.documents[number]
    name = f"needle_{number:05d}"
    images = []
    for at, frame in enumerate(document.frames):
        images.append(f"{name}_frame_{at}.png")
        Image.fromarray(frame).save(frames / images[-1])
    texts = {m: " ".join(s.text for s in document.texts if s.modality == m) for m in TARGETS[1:]}
    return {"video_id": name, "images": images, **texts}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--num-documents", type=int, default=100, metavar="N", help="(default: 100)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: 1)")
    parser.add_argument("--noise", default="clean", metavar="NAME", help="clean (default) or realistic")
    given = parser.parse_args()
    drawn = documents(seed=given.seed, split="test", noise=given.noise, num_documents=given.num_documents)
    print(f"{write_rows(drawn, given.folder)} rows in {given.folder / 'rows.jsonl'}")
