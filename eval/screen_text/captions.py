"""Captions of several sizes and styles over pictures, encoded as H.264 at several qualities, and read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from clamr_select.context.ocr import OcrEngine
from clamr_select.eval.alignment import num_errors
from clamr_select.eval.needle.render import render_scene
from clamr_select.eval.needle.scene import random_scene
from clamr_select.figures.fonts import load_font

WIDTH, HEIGHT = 640, 360
SIZES = (12, 16, 20, 28)
STYLES = ("plain", "outline", "box")
QUALITIES = (18, 30, 40)
"""H.264's crf; at 18 no difference is seen, at 40 every block is."""
TEXTS = (
    "Flight DL 1408 boards at gate C9",
    "Bake for 25 minutes at 180 degrees",
    "Sample B-42 passed all three tests",
    "Next bus to the harbor leaves 16:35",
)


@dataclass(frozen=True)
class Caption:
    image: np.ndarray
    text: str
    pixels: int
    style: str
    quality: int


def captions(*, seed: int = 5) -> Iterator[Caption]:
    """Every text in every size, style and quality, each over a picture of its own."""
    for quality in QUALITIES:
        drawn = []
        for number, (pixels, style, text) in enumerate(
            (pixels, style, text) for pixels in SIZES for style in STYLES for text in TEXTS
        ):
            drawn.append((_draw(text, pixels=pixels, style=style, seed=seed + number), text, pixels, style))
        decoded = _through_h264([image for image, *_ in drawn], quality=quality)
        for image, (_, text, pixels, style) in zip(decoded, drawn, strict=True):
            yield Caption(image, text, pixels, style, quality)


def character_error_rate(engine: OcrEngine, caption: Caption) -> float:
    """Errors a character, of all that was read in the frame; at most 1. Case and spaces are left out."""
    read = _plain("".join(box.text for box in engine.read(caption.image)))
    said = _plain(caption.text)
    return min(1.0, num_errors(said, read) / len(said))


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


def _draw(text: str, *, pixels: int, style: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(render_scene(random_scene(rng), width=WIDTH, height=HEIGHT))
    grain = Image.fromarray(rng.integers(0, 256, (HEIGHT // 6, WIDTH // 6, 3), dtype=np.uint8))
    image = Image.blend(picture, grain.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), 0.3)
    canvas, font = ImageDraw.Draw(image), load_font(pixels)
    position = (int(rng.integers(20, 60)), int(rng.integers(30, HEIGHT - 60)))
    if style == "box":
        left, top, right, bottom = canvas.textbbox(position, text, font=font)
        canvas.rectangle((left - 5, top - 4, right + 5, bottom + 4), fill=(20, 20, 20))
    outline = 1 if style == "outline" else 0
    canvas.text(position, text, font=font, fill=(255, 255, 255), stroke_width=outline, stroke_fill=(0, 0, 0))
    return np.asarray(image)


def _through_h264(images: list[np.ndarray], *, quality: int) -> list[np.ndarray]:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1, options={"crf": str(quality), "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
