"""The selection as messages of an OpenAI-compatible chat API."""

from __future__ import annotations

import base64
import io
from typing import Any, get_args

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.handoff.chat import frame_texts, text_block
from clamr_select.handoff.consumers import UNKNOWN
from clamr_select.handoff.frames import JPEG_QUALITY, decode_frames
from clamr_select.handoff.pairing import plan_emission
from clamr_select.selection import ImageDetail, OpenAIStyle, Pair, Selection


def to_openai_messages(
    selection: Selection,
    question: str | None = None,
    *,
    style: OpenAIStyle = "images",
    pair: Pair | None = None,
    subtitles: bool = False,
    max_side: int | None = 768,
    detail: ImageDetail | None = None,
) -> list[dict[str, Any]]:
    """See :meth:`Selection.to_openai_messages`."""
    if style not in get_args(OpenAIStyle):
        raise unknown_name("style", style, get_args(OpenAIStyle))
    if detail is not None and detail not in get_args(ImageDetail):
        raise unknown_name("detail", detail, get_args(ImageDetail))
    if not len(selection):
        raise InputError("the selection has no frame to hand over; select with num_frames of at least 1")
    asked = text_block(selection.question if question is None else question)
    if style == "images":
        if pair not in (None, "none"):
            raise InputError(f"pair={pair!r} is for style='video_url'; images are not fused, so each is sent once")
        content = _images(selection, subtitles=subtitles, max_side=max_side, detail=detail)
        return [{"role": "user", "content": [*content, asked]}]
    if detail is not None:
        raise InputError("detail is a property of images; style='video_url' has none")
    url = video_data_url(plan_emission(selection, UNKNOWN, pair=pair).decode(max_side=max_side))
    content = [{"type": "video_url", "video_url": {"url": url}}]
    texts = frame_texts(selection, subtitles=True) if subtitles else []
    said = [text_block("\n".join(texts))] if any("<subtitles>" in text for text in texts) else []
    return [{"role": "user", "content": [*content, *said, asked]}]


def video_data_url(frames: np.ndarray) -> str:
    """``data:video/jpeg;base64,<jpeg>,<jpeg>,…``: one video of frames that are chosen already, as vLLM reads it.

    Args:
        frames: (num_frames, height, width, 3) uint8 RGB.
    """
    return "data:video/jpeg;base64," + ",".join(_jpeg(frame) for frame in frames)


def _images(
    selection: Selection, *, subtitles: bool, max_side: int | None, detail: ImageDetail | None
) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    frames = decode_frames(selection, max_side=max_side)
    for text, frame in zip(frame_texts(selection, subtitles=subtitles), frames, strict=True):
        image = {"url": f"data:image/jpeg;base64,{_jpeg(frame)}"} | ({"detail": detail} if detail else {})
        content += [text_block(text), {"type": "image_url", "image_url": image}]
    return content


def _jpeg(frame: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
