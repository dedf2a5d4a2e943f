"""The main job: a ten-minute sample video, four questions, CLaMR beside uniform sampling and BM25.

python -m clamr_select.eval.sample.run [DIRECTORY]
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

from transformers.utils import logging as transformers_logging

from clamr_select.cli.bars import Bars
from clamr_select.eval.sample.bm25 import bm25_scores
from clamr_select.eval.sample.programme import SampleQuestion
from clamr_select.eval.sample.sample import SampleVideo, ensure_sample
from clamr_select.figures.compare_sheet import compare_sheet
from clamr_select.indexing.indexed_video import IndexedVideo
from clamr_select.metrics.evidence import hit_at_k
from clamr_select.policies import select_indices
from clamr_select.selection import Selection
from clamr_select.selector import FrameSelector
from clamr_select.time_format import format_time

NUM_FRAMES = 8
CLAMR, UNIFORM, BM25 = "CLaMR", "uniform", "BM25"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("directory", nargs="?", type=Path, default=Path("out/sample"), metavar="DIRECTORY")
    parser.add_argument("--model", default="clamr-nano")
    arguments = parser.parse_args(argv)
    sample = _sample(arguments.directory)
    started = time.perf_counter()
    transformers_logging.disable_progress_bar()
    selector = FrameSelector.from_pretrained(arguments.model)
    with Bars() as bars:
        indexed = selector.index(sample.video, subtitles=sample.subtitles, title=sample.title, progress=bars)
    print(f"indexed {len(indexed)} candidate frames in {time.perf_counter() - started:.0f} s ({_stages(indexed)})")
    missed = [
        q.question for number, q in enumerate(sample.questions, 1) if not _ask(indexed, q, number, arguments.directory)
    ]
    print(f"\nCLaMR found {len(sample.questions) - len(missed)} of {len(sample.questions)}")
    for question in missed:
        print(f"CLaMR missed: {question}", file=sys.stderr)
    return 1 if missed else 0


def _sample(directory: Path) -> SampleVideo:
    sample = ensure_sample(directory)
    print(f"{sample.video}: {format_time(sample.duration_seconds, decimals=0)}, {sample.title!r}", flush=True)
    return sample


def _stages(indexed: IndexedVideo) -> str:
    return ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in indexed.timings_seconds.items())


def _ask(indexed: IndexedVideo, question: SampleQuestion, number: int, directory: Path) -> bool:
    """Ask one question three ways, print and draw; whether CLaMR's frames hold the answer."""
    ours = indexed.select(question.question, num_frames=NUM_FRAMES)
    selections = {
        CLAMR: ours,
        UNIFORM: indexed.select(question.question, num_frames=NUM_FRAMES, policy="uniform"),
        BM25: _select_by_bm25(indexed, ours),
    }
    truth = [(question.start_seconds, question.end_seconds)]
    span = " to ".join(format_time(seconds) for seconds in truth[0])
    print(f"\n{number}. {question.question}\n   answered by {question.modality} from {span}")
    hits = {}
    for name, selection in selections.items():
        hits[name] = hit_at_k(selection.timestamps_seconds, evidence_seconds=truth)
        times = " ".join(format_time(seconds) for seconds in selection.timestamps_seconds)
        print(f"   {name:<8} {'hit ' if hits[name] else 'miss'}  {times}")
    sheet = directory / f"question_{number}.png"
    compare_sheet({name: selections[name] for name in (CLAMR, UNIFORM)}, truth=truth).save(sheet)
    timeline = directory / f"question_{number}_timeline.png"
    ours.timeline().save(timeline)
    print(f"   see {sheet} and {timeline}")
    return bool(hits[CLAMR])


def _select_by_bm25(indexed: IndexedVideo, ours: Selection) -> Selection:
    """The same candidates, words and policy; only the score differs."""
    texts = [" ".join(indexed.text_around(candidate).values()) for candidate in range(len(indexed))]
    scores = bm25_scores(texts, question=ours.question)
    result = select_indices(scores, timestamps_seconds=indexed.timestamps_seconds, num_frames=NUM_FRAMES)
    chosen = list(result.indices)
    return replace(
        ours,
        frame_indices=tuple(int(i) for i in indexed.frame_indices[chosen]),
        timestamps_seconds=tuple(float(t) for t in indexed.timestamps_seconds[chosen]),
        scores=tuple(float(scores[i]) for i in chosen),
        modality=("words",) * len(chosen),
        scores_by_modality={},
        text=tuple(indexed.text_around(i) for i in chosen),
        method={**ours.method, "selector": "bm25"},
        candidates=None,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(main())
