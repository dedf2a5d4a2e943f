"""Reads a video in one way, in a fresh process, so that time and memory are its own. Run by the Python of whichever
environment holds the way; imports nothing of this project but for ours.

    python decoding.py TASK WAY VIDEO CORES

Tasks: ``open`` it with the times of its frames; ``candidates``, a frame a second; ``few_frames`` at full size.

Out: one JSON line with wall and CPU seconds, megabytes at the peak above what importing took, the number of frames, and
how many of them spell the number of the frame that was asked for.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

BARCODE_BITS = 17
SIDE = 224
"""Pixels of the longer side, where a reader scales."""
NUM_FEW = 16
AT_ONCE = 32
"""Frames asked for in one call, of readers that return arrays of many."""

Frames = Iterator[tuple[int, np.ndarray]]
"""(the frame that was asked for, its picture)"""


def read_barcode(image: np.ndarray) -> int:
    """The number that the upper edge of a (height, width, 3) picture spells."""
    row = np.asarray(image[: max(1, image.shape[0] // 12)], dtype=np.float32).mean(axis=(0, 2))
    centres = ((np.arange(BARCODE_BITS) + 0.5) * len(row) / BARCODE_BITS).astype(int)
    return sum(1 << bit for bit in range(BARCODE_BITS) if row[centres[bit]] > 128)


def ours_candidates(path: str) -> Frames:
    from clamr_select.video import open_video
    from clamr_select.video.candidates import sample_candidates
    from clamr_select.video.stream import decode_candidates

    with open_video(path, num_threads=_cores()) as reader:
        for frame, _ in decode_candidates(reader, sample_candidates(reader.timestamps_seconds), max_side=SIDE):
            yield frame.frame_index, frame.image


def ours_key_frames(path: str) -> Frames:
    """Key frames alone, which decode by themselves."""
    from clamr_select.video.pyav_reader import PyAVReader

    with PyAVReader(path, num_threads=_cores()) as reader:
        packets = reader.index.packets
        keys = np.flatnonzero(np.isin(packets.frame_positions, packets.key_positions))
        for frame in reader.frames(keys, max_side=SIDE):
            yield frame.frame_index, frame.image


def pyav_candidates(path: str) -> Frames:
    """Every frame in turn, those of whole seconds scaled."""
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = _cores()
        fps = round(float(stream.average_rate or 1))
        height = round(stream.height * SIDE / stream.width)
        for number, frame in enumerate(container.decode(stream)):
            if number % fps == 0:
                yield number, frame.to_ndarray(format="rgb24", width=SIDE, height=height)


def lmms_eval_candidates(path: str) -> Frames:
    """Its ``read_video``, which returns all frames at full size."""
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        total = stream.frames
        wanted = int(total / float(stream.average_rate or 1))
    asked = np.linspace(0, total - 1, wanted, dtype=int)
    frames = import_module("lmms_eval.models.model_utils.load_video").read_video(path, num_frm=wanted, fps=1)
    yield from zip(asked.tolist(), frames, strict=True)


def decord_candidates(path: str) -> Frames:
    width, height = _size(path)
    reader = import_module("decord").VideoReader(path, width=width, height=height, num_threads=_cores())
    asked = list(range(0, len(reader), round(reader.get_avg_fps())))
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        yield from zip(some, reader.get_batch(some).asnumpy(), strict=True)


def torchcodec_candidates(path: str) -> Frames:
    decoder = _torchcodec(path)
    asked = list(range(0, decoder.metadata.num_frames, round(decoder.metadata.average_fps)))
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        yield from zip(some, decoder.get_frames_at(some).data.numpy(), strict=True)


def ours_few(path: str) -> Frames:
    from clamr_select.video import open_video

    with open_video(path, num_threads=_cores()) as reader:
        for frame in reader.frames(_few(len(reader.timestamps_seconds))):
            yield frame.frame_index, frame.image


def lmms_eval_few(path: str) -> Frames:
    """Evenly spaced ones: it takes no others."""
    import av

    with av.open(path) as container:
        total = container.streams.video[0].frames
    asked = np.linspace(0, total - 1, NUM_FEW, dtype=int)
    frames = import_module("lmms_eval.models.model_utils.load_video").read_video(path, num_frm=NUM_FEW)
    yield from zip(asked.tolist(), frames, strict=True)


def decord_few(path: str) -> Frames:
    reader = import_module("decord").VideoReader(path, num_threads=_cores())
    asked = _few(len(reader))
    yield from zip(asked, reader.get_batch(asked).asnumpy(), strict=True)


def torchcodec_few(path: str) -> Frames:
    decoder = _torchcodec(path)
    asked = _few(decoder.metadata.num_frames)
    yield from zip(asked, decoder.get_frames_at(asked).data.numpy(), strict=True)


def ours_open(path: str) -> Frames:
    """With the timestamps of all frames."""
    from clamr_select.video import open_video

    with open_video(path) as reader:
        _check(len(reader.timestamps_seconds))
    yield from ()


def pyav_open(path: str) -> Frames:
    """Reading the packets' timestamps."""
    import av

    with av.open(path) as container:
        _check(sum(packet.pts is not None for packet in container.demux(container.streams.video[0])))
    yield from ()


def decord_open(path: str) -> Frames:
    reader = import_module("decord").VideoReader(path)
    _check(len(reader.get_frame_timestamp(range(len(reader)))))
    yield from ()


def torchcodec_open(path: str) -> Frames:
    _check(_torchcodec(path).metadata.num_frames)
    yield from ()


def _torchcodec(path: str) -> Any:
    """Exact: it reads every packet's timestamp first."""
    decoder = import_module("torchcodec.decoders").VideoDecoder
    return decoder(path, dimension_order="NHWC", num_ffmpeg_threads=_cores(), seek_mode="exact")


def _few(num_frames: int) -> list[int]:
    """Frames anywhere, in order; the same for all."""
    count = min(NUM_FEW, num_frames)
    return sorted(np.random.default_rng(0).choice(num_frames, count, replace=False).tolist())


def _check(num_frames: int) -> None:
    if num_frames < 1:
        raise ValueError("no frame was found")


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _size(path: str) -> tuple[int, int]:
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        return SIDE, round(stream.height * SIDE / stream.width)


MODULES = {
    "ours": ("av", ("clamr_select.video", "av")),
    "ours, key frames": ("av", ("clamr_select.video", "av")),
    "PyAV": ("av", ("av",)),
    "lmms-eval": ("lmms-eval", ("lmms_eval.models.model_utils.load_video", "av")),
    "decord": ("decord", ("decord", "av")),
    "torchcodec": ("torchcodec", ("torchcodec.decoders",)),
}
"""Name of a way to the package that does it, and to what is imported before the clock starts."""
TASKS: dict[str, dict[str, Callable[[str], Frames]]] = {
    "open": {"ours": ours_open, "PyAV": pyav_open, "decord": decord_open, "torchcodec": torchcodec_open},
    "candidates": {
        "ours": ours_candidates,
        "ours, key frames": ours_key_frames,
        "PyAV": pyav_candidates,
        "lmms-eval": lmms_eval_candidates,
        "decord": decord_candidates,
        "torchcodec": torchcodec_candidates,
    },
    "few_frames": {
        "ours": ours_few,
        "lmms-eval": lmms_eval_few,
        "decord": decord_few,
        "torchcodec": torchcodec_few,
    },
}


def main() -> int:
    task, name, path, cores = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    (package, modules), way = MODULES[name], TASKS[task][name]
    for module in modules:
        import_module(module)
    imported = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # what 5 resets is the peak
    wall, cpu = time.perf_counter(), time.process_time()
    num_frames = num_right = 0
    for asked, image in way(path):
        num_frames += 1
        num_right += read_barcode(image) == asked
    measured: dict[str, Any] = {
        "with": f"{package} {_version(package)}",
        "wall s": time.perf_counter() - wall,
        "CPU s": time.process_time() - cpu,
        "extra MB": max(0.0, _memory("VmHWM") - imported) / 1000,
        "frames": num_frames,
        "exact": num_right,
    }
    print(json.dumps(measured), flush=True)
    return 0


def _memory(field: str) -> float:
    """Kilobytes, of 1,000 bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1.024


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
