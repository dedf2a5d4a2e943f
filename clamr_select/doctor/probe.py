"""What a checkpoint is asked to encode: made by arithmetic, the same on every machine."""

from __future__ import annotations

import numpy as np

from clamr_select.model.document import SAMPLE_RATE, Document, DocumentAudio, TextSegment

QUESTION = "When does the lantern swing above the harbor?"
LONGER_QUESTION = "Who says that the committee adopted the annual budget in the town hall, and what is written there?"
ANSWER = "At night the lantern does swing above the harbor."
OTHER = "The committee adopted its annual budget on Monday."
WIDTH, HEIGHT = 160, 112


def make_frames(num_frames: int) -> list[np.ndarray]:
    """(112, 160, 3) uint8 each: two gradients, and a square that moves."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    image = np.stack([columns * 255 // WIDTH, rows * 255 // HEIGHT, 0 * rows], axis=-1).astype(np.uint8)
    frames = []
    for number in range(num_frames):
        frame = image.copy()
        left = 8 + 24 * number
        frame[40:72, left : left + 32] = (40, 60, 220)
        frames.append(frame)
    return frames


def make_document(modalities: tuple[str, ...], *, num_frames: int = 2) -> Document:
    """Frames, and something in each modality that the model has."""
    last = num_frames - 1
    segments = (
        TextSegment("description", "A film about the sea"),
        TextSegment("ocr", "HARBOR 1912", 0, 0),
        TextSegment("asr", ANSWER, 0, last),
    )
    audio = None
    if "audio" in modalities:
        time = np.arange(num_frames * SAMPLE_RATE // 2, dtype=np.float64) / SAMPLE_RATE
        tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
        audio = DocumentAudio(tone, candidate_starts_seconds=tuple(0.5 * number for number in range(num_frames)))
    texts = tuple(segment for segment in segments if segment.modality in modalities)
    return Document(frames=make_frames(num_frames), texts=texts, audio=audio)


def text_document(text: str, *, modality: str) -> Document:
    """A document of text alone."""
    return Document(frames=[], texts=(TextSegment(modality, text),))
