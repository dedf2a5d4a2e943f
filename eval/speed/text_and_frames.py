"""Reading text on screen, choosing frames and writing them out: ours and what else does that job, in turns."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clamr_select.eval.sample.sample import make_sample
from clamr_select.eval.screen_text.gate import candidate_images, read_all
from clamr_select.eval.speed.barcode_video import FPS, write_barcode_video
from clamr_select.eval.speed.question import QUESTION, SECONDS_A_CANDIDATE, made_index
from clamr_select.eval.speed.settings import Record, Settings
from clamr_select.eval.speed.timing import interleaved
from clamr_select.handoff.frames import JPEG_QUALITY, save_frames
from clamr_select.model.encoder import ClamrEncoder
from clamr_select.policies import select_indices
from clamr_select.selection import Selection

NUM_TEXT_FRAMES = 120
"""Candidates of the sample, a second apart."""
NUM_CANDIDATES = 3600
NUM_CHOSEN = 32
MIN_GAP_SECONDS = 6.0
SECONDS_A_FRAME_WRITTEN = 4
"""Of the video that frames are written from, for each of them."""


def screen_text(settings: Settings) -> Iterator[Record]:
    """The sample's candidates: what stays read once, every frame by the same engine, and by RapidOCR as it comes."""
    num_frames = min(NUM_TEXT_FRAMES, settings.num_frames)
    with tempfile.TemporaryDirectory() as folder:
        sample = make_sample(folder, num_chapters=max(1, 9 * num_frames // NUM_TEXT_FRAMES))
        images = candidate_images(sample.video, candidate_fps=1.0, num_frames=num_frames)
    engine = _plain_rapidocr()
    ways: dict[str, Callable[[], object]] = {
        "ours": partial(read_all, images, gated=True),
        "ours, every frame": partial(read_all, images, gated=False),
        f"rapidocr {version('rapidocr')}, every frame": lambda: [engine(image[:, :, ::-1]) for image in images],
    }
    yield from _records(f"text on screen, {len(images)} frames", ways, settings)


def choosing(settings: Settings) -> Iterator[Record]:
    """An hour at a candidate a second: the best frames, and the best that are apart."""
    times = SECONDS_A_CANDIDATE * np.arange(NUM_CANDIDATES)
    scores = np.random.default_rng(0).random(NUM_CANDIDATES)
    tensor = torch.from_numpy(scores)
    chosen = partial(select_indices, scores, timestamps_seconds=times, num_frames=NUM_CHOSEN)
    yield from _records(
        f"best {NUM_CHOSEN} of {NUM_CANDIDATES:,}",
        {"ours": partial(chosen, policy="topk"), f"torch {version('torch')}": partial(torch.topk, tensor, NUM_CHOSEN)},
        settings,
    )
    yield from _records(
        f"best {NUM_CHOSEN} of {NUM_CANDIDATES:,}, {MIN_GAP_SECONDS:g} s apart",
        {
            "ours": partial(chosen, policy="topk_gap", min_gap_seconds=MIN_GAP_SECONDS),
            f"scipy {version('scipy')}": partial(_best_peaks, scores, int(MIN_GAP_SECONDS / SECONDS_A_CANDIDATE)),
        },
        settings,
    )


def exporting(settings: Settings) -> Iterator[Record]:
    """Selected frames as JPEG files at full size: ours, decord with Pillow, and the ffmpeg command, a call a frame."""
    num_frames = min(NUM_CHOSEN, settings.num_frames)
    with tempfile.TemporaryDirectory() as folder:
        seconds = SECONDS_A_FRAME_WRITTEN * num_frames
        video = write_barcode_video(Path(folder) / "video.mp4", num_seconds=seconds, seconds_per_group=10)
        selection = _selection(video, num_seconds=seconds, num_frames=num_frames)
        ways: dict[str, Callable[[], object]] = {"ours": partial(save_frames, selection, Path(folder) / "ours")}
        if find_spec("decord") is not None:  # it has wheels for some systems alone
            ways[f"decord {version('decord')}, Pillow"] = partial(_save_by_decord, selection, Path(folder))
        if shutil.which("ffmpeg") is not None:
            ways["ffmpeg, a call a frame"] = partial(_save_by_ffmpeg, selection, Path(folder))
        yield from _records(f"{num_frames} frames of {seconds} s written", ways, settings)


def _records(what: str, ways: Mapping[str, Callable[[], object]], settings: Settings) -> Iterator[Record]:
    timings = interleaved(
        ways, device=torch.device("cpu"), num_runs=settings.num_runs, num_warm_up=1, clock=_cpu_seconds
    )
    ours = timings["ours"].median
    for way, timing in timings.items():
        yield {"what": f"{what}, {way}", "CPU ms": asdict(timing), "to ours": timing.median / ours}


def _cpu_seconds() -> float:
    """Of this process, and of those it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _plain_rapidocr() -> Any:
    """Its own pipeline and sizes, with the models and the single thread that ours has."""
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _best_peaks(scores: np.ndarray, distance: int) -> np.ndarray:
    """(NUM_CHOSEN,) local maxima, at least ``distance`` samples apart, the best of them, in time order."""
    from scipy.signal import find_peaks

    peaks, _ = find_peaks(scores, distance=distance)
    return np.sort(peaks[np.argsort(scores[peaks])[-NUM_CHOSEN:]])


def _selection(video: Path, *, num_seconds: int, num_frames: int) -> Selection:
    """Of a made index, on a video that is there."""
    encoder = ClamrEncoder.from_pretrained("clamr-nano", device="cpu")
    index = replace(
        made_index(encoder, num_candidates=num_seconds),
        video=str(video),
        frame_indices=FPS * np.arange(num_seconds),
    )
    return index.select(QUESTION, num_frames=num_frames, policy="topk")


def _save_by_decord(selection: Selection, folder: Path) -> None:
    import decord
    from PIL import Image

    reader = decord.VideoReader(selection.video, ctx=decord.cpu(0), num_threads=1)
    for number, image in enumerate(reader.get_batch(list(selection.frame_indices)).asnumpy()):
        Image.fromarray(image).save(folder / f"decord_{number}.jpg", quality=JPEG_QUALITY, subsampling=0)


def _save_by_ffmpeg(selection: Selection, folder: Path) -> None:
    for number, seconds in enumerate(selection.timestamps_seconds):
        output = ["-frames:v", "1", "-q:v", "2", "-y", str(folder / f"ffmpeg_{number}.jpg")]
        before = ["ffmpeg", "-loglevel", "error", "-threads", "1", "-ss", f"{max(0.0, seconds - 0.5 / FPS):.4f}"]
        subprocess.run([*before, "-i", selection.video, *output], check=True)
