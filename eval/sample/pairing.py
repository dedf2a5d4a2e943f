"""What should share a candidate's two-frame patch: itself, or the frame that follows it?

    python -m clamr_select.eval.sample.pairing [DIRECTORY] [--model clamr-nano]

Prints, for the sample's questions, the rank of the best frame that answers, and what decoding and encoding cost.
Repeated and paired indexing take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np
from transformers.utils import logging as transformers_logging

from clamr_select.eval.sample.programme import SampleQuestion
from clamr_select.eval.sample.sample import ensure_sample
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.selector import FrameSelector

PAIRINGS = ("repeat", "neighbor")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=Path("out/sample"))
    parser.add_argument("--model", default="clamr-nano")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    transformers_logging.disable_progress_bar()
    sample = ensure_sample(arguments.directory)
    selector = FrameSelector.from_pretrained(arguments.model)
    seconds: dict[str, list[tuple[float, float]]] = {pair: [] for pair in PAIRINGS}
    indexed: dict[str, IndexedVideo] = {}
    for _ in range(arguments.rounds):
        for pair in PAIRINGS:
            indexed[pair] = selector.index(sample.video, subtitles=sample.subtitles, ocr="off", pair=pair)
            timings = indexed[pair].timings_seconds
            seconds[pair].append((timings["decode"], timings["encode"]))
    for pair in PAIRINGS:
        decode, encode = (statistics.median(column) for column in zip(*seconds[pair], strict=True))
        asked = [question for question in sample.questions if question.modality != "ocr"]
        ranks = [f"{question.modality} {_rank(indexed[pair], question)}" for question in asked]
        print(f"{pair:<9} decode {decode:.1f} s, encode {encode:.1f} s; rank of the best answer: {', '.join(ranks)}")
    return 0


def _rank(indexed: IndexedVideo, question: SampleQuestion) -> int:
    (query,), _ = indexed.encoder.encode_query([question.question])
    scores = indexed.score(query).total
    times = indexed.timestamps_seconds
    best = scores[(times >= question.start_seconds) & (times <= question.end_seconds)].max()
    return 1 + int(np.sum(scores > best))


if __name__ == "__main__":
    sys.exit(main())
