"""What a task shows of a document, and which of it are videos: blocks of chat messages, or visuals of simple models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from clamr_select.errors import InputError

NO_VIDEO_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp",
    ".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus",
)  # fmt: skip
"""Of pictures and sound: any other path is a video's, as lmms-eval tells them apart."""
SPAN = ("start_time", "end_time")


def shown_by(made: Any, *, is_simple: bool) -> list[Any]:
    """Visuals, or the blocks of all messages.

    Args:
        made: what ``doc_to_visual`` (simple) or ``doc_to_messages`` made of a document.
    """
    if is_simple:
        return [made] if isinstance(made, str) else list(made or [])
    # a round of several: (messages, whether it is over, previous output, previous information)
    messages = made[0] if isinstance(made, tuple) else made
    contents = [message.get("content") for message in messages or []]
    return [block for content in contents if isinstance(content, list) for block in content]


def videos_among(shown: Iterable[Any]) -> list[str]:
    """Their paths."""
    return [one if isinstance(one, str) else one["url"] for one in shown if is_video_path(one) or is_video_block(one)]


def is_video_path(visual: Any) -> bool:
    return isinstance(visual, str) and not visual.lower().endswith(NO_VIDEO_SUFFIXES)


def is_video_block(block: Any) -> bool:
    return isinstance(block, Mapping) and block.get("type") == "video" and isinstance(block.get("url"), str)


def check_selectable(shown: Iterable[Any], *, task: str) -> None:
    """Raises:
    InputError: a video that is not named by its path, or a part of one: frames are selected of whole files.
    """
    for one in shown:
        if not isinstance(one, Mapping) or one.get("type") != "video":
            continue
        if not is_video_block(one):
            given = one.get("url", one)
            raise InputError(
                f"{task} shows a video that is named by a {type(given).__name__}, not by its path alone: "
                f"{str(given)[:200]}. Frames are selected of whole files: cut such parts out, or clamr_mode=uniform"
            )
        if any(one.get(name) is not None for name in SPAN):
            start, end = (one.get(name) for name in SPAN)
            raise InputError(
                f"{task} shows {one['url']} from {start} to {end} seconds, and frames are selected of whole files: "
                "cut the part out into a file of its own, or clamr_mode=uniform"
            )
