"""The selection as content blocks of a chat message, in transformers' form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.handoff.consumers import time_channel
from clamr_select.handoff.frames import decode_frames
from clamr_select.handoff.pairing import plan_emission
from clamr_select.handoff.timed_text import SUBTITLES_NOTE, quoted_subtitles, written_times
from clamr_select.selection import ChatStyle, Pair, Selection

if TYPE_CHECKING:
    from transformers import ProcessorMixin


def to_chat_content(
    selection: Selection,
    *,
    style: ChatStyle = "images",
    processor: ProcessorMixin | None = None,
    pair: Pair | None = None,
    subtitles: bool = False,
    max_side: int | None = None,
) -> list[dict[str, Any]]:
    """See :meth:`Selection.to_chat_content`."""
    if style not in get_args(ChatStyle):
        raise unknown_name("style", style, get_args(ChatStyle))
    if not len(selection):
        raise InputError("the selection has no frame to hand over; select with num_frames of at least 1")
    if style == "images":
        if pair not in (None, "none"):
            raise InputError(f"pair={pair!r} is for style='video'; images are not fused, so each is sent once")
        return _images(selection, subtitles=subtitles, max_side=max_side)
    emission = plan_emission(selection, time_channel(processor), pair=pair)
    block = {"type": "video", "video": emission.decode(max_side=max_side)}
    said = "\n".join(f"{time} {words}" for time, words in _timed_subtitles(selection)) if subtitles else ""
    return [block, text_block(f"{SUBTITLES_NOTE}\n{said}")] if said else [block]


def frame_texts(selection: Selection, *, subtitles: bool) -> list[str]:
    """What is written before each frame: its time, and on request what was said around it.

    With subtitles the first text begins with the note that they are data.
    """
    times = written_times(selection.timestamps_seconds)
    if not subtitles:
        return times
    quoted = [quoted_subtitles(words) for words in selection.text]
    texts = [f"{time}\n{words}" if words else time for time, words in zip(times, quoted, strict=True)]
    return [f"{SUBTITLES_NOTE}\n{texts[0]}", *texts[1:]] if any(quoted) else texts


def text_block(text: str) -> dict[str, Any]:
    """A content block of text, as transformers and OpenAI both write it."""
    return {"type": "text", "text": text}


def _images(selection: Selection, *, subtitles: bool, max_side: int | None) -> list[dict[str, Any]]:
    from PIL import Image

    content: list[dict[str, Any]] = []
    frames = decode_frames(selection, max_side=max_side)
    for text, frame in zip(frame_texts(selection, subtitles=subtitles), frames, strict=True):
        content += [text_block(text), {"type": "image", "image": Image.fromarray(frame)}]
    return content


def _timed_subtitles(selection: Selection) -> Iterator[tuple[str, str]]:
    for time, words in zip(written_times(selection.timestamps_seconds), selection.text, strict=True):
        if quoted := quoted_subtitles(words):
            yield time, quoted
