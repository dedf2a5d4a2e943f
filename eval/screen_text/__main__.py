"""Text on screen: errors on rendered captions, and what reading only changes saves.

    python -m clamr_select.eval.screen_text captions
    python -m clamr_select.eval.screen_text gate [VIDEO …] [--candidate-fps 1] [--num-frames 600]

``captions`` prints the character error rate by size, style and H.264 quality of every engine that can run here.
``gate`` reads each video twice with one engine, every frame and gated, and compares; without a VIDEO, the sample.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from clamr_select.context.ocr import OcrEngine
from clamr_select.context.rapid_ocr import RapidOcr
from clamr_select.eval.sample.sample import ensure_sample
from clamr_select.eval.screen_text.captions import QUALITIES, SIZES, STYLES, captions, character_error_rate
from clamr_select.eval.screen_text.gate import compare
from clamr_select.indexing.screen_text import OCR_DETECTION_SIDE


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["captions", "gate"])
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--candidate-fps", type=float, default=1.0)
    parser.add_argument("--num-frames", type=int, default=600, help="of each video, from its start")
    arguments = parser.parse_args(argv)
    if arguments.what == "captions":
        _print_errors(RapidOcr(max_side=OCR_DETECTION_SIDE))
        return 0
    with tempfile.TemporaryDirectory() as directory:
        videos = arguments.videos or [Path(ensure_sample(directory).video)]
        for video in videos:
            print(compare(video, candidate_fps=arguments.candidate_fps, num_frames=arguments.num_frames), flush=True)
    return 0


def _print_errors(engine: OcrEngine) -> None:
    shown = list(captions())
    started = time.process_time()
    rates = [character_error_rate(engine, caption) for caption in shown]
    seconds = (time.process_time() - started) / len(shown)
    print(f"{engine.name}: {1000 * seconds:.0f} CPU ms a frame; character error rate at crf {QUALITIES}")
    for style in STYLES:
        for pixels in SIZES:
            cells = [
                np.mean([r for r, c in zip(rates, shown, strict=True) if (c.style, c.pixels, c.quality) == key])
                for key in ((style, pixels, quality) for quality in QUALITIES)
            ]
            print(f"  {style:>7} {pixels:>2} px  " + "  ".join(f"{cell:.3f}" for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
