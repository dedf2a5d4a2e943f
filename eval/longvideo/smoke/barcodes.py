"""Videos in which every frame spells its number, with a subtitle for each of a few stretches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

FPS, NUM_FRAMES, BITS = 5, 320, 16
WIDTH, HEIGHT = 160, 112
STRETCH_FRAMES = 20
STARTS = (10, 55, 100, 150, 195, 240, 285)
"""First frames of the stretches, each four seconds; no frame that even sampling of eight takes is in one."""
WORDS = (
    ("walrus", "harbour", "trumpet", "lantern", "glacier", "saddle", "orchard"),
    ("pelican", "bakery", "violin", "compass", "desert", "helmet", "meadow"),
)


@dataclass(frozen=True)
class Stretch:
    """Four seconds in which one word is spoken."""

    first: int
    word: str

    @property
    def name(self) -> str:
        return f"numbers {self.first} to {self.first + STRETCH_FRAMES - 1}"

    @property
    def seconds(self) -> tuple[float, float]:
        return self.first / FPS, (self.first + STRETCH_FRAMES) / FPS

    @property
    def sentence(self) -> str:
        return f"now we come to the {self.word}"


@dataclass(frozen=True)
class BarcodeVideo:
    name: str
    stretches: tuple[Stretch, ...]


def videos() -> list[BarcodeVideo]:
    return [BarcodeVideo(f"barcode_{number}", tuple(map(Stretch, STARTS, words))) for number, words in enumerate(WORDS)]


def draw(number: int) -> np.ndarray:
    """(112, 160, 3) uint8: sixteen black or white columns spell the number, lowest bit first."""
    bits = np.array([255 * (number >> bit & 1) for bit in range(BITS)], dtype=np.uint8)
    return np.broadcast_to(np.repeat(bits, WIDTH // BITS)[None, :, None], (HEIGHT, WIDTH, 3)).copy()


def read(image: np.ndarray) -> int:
    """The number that a (height, width, channels) picture of any size and scale spells."""
    row = np.asarray(image, dtype=np.float32).mean(axis=(0, 2))
    centres = ((np.arange(BITS) + 0.5) * len(row) / BITS).astype(int)
    middle = (row.max() + row.min()) / 2
    return sum(1 << bit for bit in range(BITS) if row[centres[bit]] > middle)


def write_video(path: Path) -> Path:
    """64 seconds of H.264."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "10", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for number in range(NUM_FRAMES):
            frame = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_srt(path: Path, stretches: Sequence[Stretch]) -> Path:
    """In the form of Video-MME, with a font tag around each line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = [
        f'{number}\n{_stamp(start)} --> {_stamp(end)}\n<font color="white" size=".72c">{stretch.sentence}</font>\n'
        for number, stretch in enumerate(stretches, start=1)
        for start, end in [stretch.seconds]
    ]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def write_json_subtitles(path: Path, stretches: Sequence[Stretch]) -> Path:
    """In the form of LongVideoBench."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines: list[Mapping[str, object]] = [
        {"timestamp": list(stretch.seconds), "text": stretch.sentence} for stretch in stretches
    ]
    path.write_text(json.dumps(lines), encoding="utf-8")
    return path


def _stamp(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"00:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"
