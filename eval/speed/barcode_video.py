"""A moving video in which every frame spells its number: what was decoded can be checked."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from clamr_select.eval.speed.peers.decoding import BARCODE_BITS

WIDTH, HEIGHT, FPS = 640, 360, 30
BARCODE_HEIGHT = 40
SCENE_SECONDS = 5
_TEXTURE_SIDE = 1600


def write_barcode_video(path: Path, *, num_seconds: int, seconds_per_group: int) -> Path:
    """H.264 by x264 at preset medium, 3 B-frames, 400 kb/s, a key frame every ``seconds_per_group``.

    A texture drifts, another each few seconds, and three things move before it: about the load of filmed video.
    """
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.bit_rate = 400_000
        group = str(seconds_per_group * FPS)
        stream.options = {"preset": "medium", "bf": "3", "g": group, "keyint_min": group, "sc_threshold": "0"}
        stream.codec_context.thread_count = 2  # fixed: the number of threads changes the bytes
        texture = _texture()
        for number in range(num_seconds * FPS):
            frame = av.VideoFrame.from_ndarray(draw(number, texture=texture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def draw(number: int, *, texture: np.ndarray) -> np.ndarray:
    """(360, 640, 3) uint8: the barcode above, lowest bit on the left, the moving picture below.

    Args:
        texture: from which the picture is cut, (side, side, 3) uint8.
    """
    scene, step = divmod(number, SCENE_SECONDS * FPS)
    top = (scene * 389 + step) % (_TEXTURE_SIDE - HEIGHT)
    left = (scene * 211 + 2 * step) % (_TEXTURE_SIDE - WIDTH)
    image = texture[top : top + HEIGHT, left : left + WIDTH].copy()
    for thing in range(3):
        x = (number * (3 + 2 * thing) + 200 * thing) % (WIDTH - 60)
        y = 80 + (number * (1 + thing) + 90 * thing) % (HEIGHT - 140)
        image[y : y + 50, x : x + 50] = (60 + 90 * thing, 220 - 80 * thing, 40 * scene % 256)
    edges = np.arange(BARCODE_BITS + 1) * WIDTH // BARCODE_BITS
    for bit in range(BARCODE_BITS):
        image[:BARCODE_HEIGHT, edges[bit] : edges[bit + 1]] = 235 if number >> bit & 1 else 16
    return image


def _texture() -> np.ndarray:
    """Smooth noise with some grain, (side, side, 3) uint8."""
    from PIL import Image

    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 256, (50, 50, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((_TEXTURE_SIDE, _TEXTURE_SIDE), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = generator.integers(-12, 13, (_TEXTURE_SIDE, _TEXTURE_SIDE, 1), dtype=np.int16)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)
