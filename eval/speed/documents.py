"""Made documents of one video, of a stated size."""

from __future__ import annotations

import numpy as np

from clamr_select.model.document import Document, TextSegment

WORDS = (
    "harbour lantern glacier seconds the of and a walrus cello under river measures signal before after bridge "
    "window copper slowly turns into winter market seven lines below question between paper mountain"
)


def video_documents(num_frames: int, *, window_candidates: int, side_pixels: int, seed: int = 0) -> list[Document]:
    """A video's windows: square frames, 12 words on screen in each frame, 12 spoken in each window and a description of
    20 words, all of lengths that vary by half."""
    generator = np.random.default_rng(seed)
    documents = []
    for start in range(0, num_frames, window_candidates):
        count = min(window_candidates, num_frames - start)
        frames = [generator.integers(0, 256, (side_pixels, side_pixels, 3), dtype=np.uint8) for _ in range(count)]
        texts = [TextSegment("ocr", _words(generator, 12), i, i) for i in range(count)]
        texts.append(TextSegment("asr", _words(generator, 12), 0, count - 1))
        texts.append(TextSegment("description", _words(generator, 20)))
        documents.append(Document(frames=frames, texts=tuple(texts)))
    return documents


def _words(generator: np.random.Generator, mean: int) -> str:
    count = int(generator.integers(mean // 2, mean + mean // 2 + 1))
    return " ".join(generator.choice(WORDS.split(), size=count))
