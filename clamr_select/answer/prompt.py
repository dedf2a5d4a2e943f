"""What is asked after the frames, and how a prompt is shown to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clamr_select.answer.choices import INSTRUCTION, format_options

FROM_FRAMES = "Answer from the frames above; if they do not show it, say so."


def question_text(question: str, options: Sequence[str] = (), *, with_frames: bool = True) -> str:
    """The text of one question: the words of the asker, and how to answer.

    Args:
        options: of a multiple-choice question.
        with_frames: whether frames are sent right before it.

    Raises:
        InputError: options that cannot be told apart, see ``choices.option_letters``.
    """
    if options:
        return f"{question.strip()}\n{format_options(options)}\n{INSTRUCTION}"
    return f"{question.strip()}\n{FROM_FRAMES}" if with_frames else question.strip()


def with_placeholders(messages: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Chat messages, transformers' or OpenAI's, with ``<image 640x360>`` and the like for what is not text."""
    return tuple({**message, "content": _content(message["content"])} for message in messages)


def _content(content: str | Sequence[Mapping[str, Any]]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    return [_part(part) for part in content]


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = part["type"]
    if kind == "text":
        return dict(part)
    value = part[kind]
    if isinstance(value, Mapping):  # OpenAI's {"image_url": {"url": "data:…"}}
        return {"type": kind, kind: {**value, "url": _placeholder_of_data_url(value["url"])}}
    if kind == "video":
        num_frames, height, width = value.shape[:3]
        return {"type": kind, kind: f"<video of {num_frames} frames {width}x{height}>"}
    return {"type": kind, kind: f"<{kind} {value.width}x{value.height}>"}


def _placeholder_of_data_url(url: str) -> str:
    media_type, _, data = url.partition(",")
    media_type = media_type.removeprefix("data:").removesuffix(";base64")
    num_items = data.count(",") + 1
    return f"<{media_type}, {f'{num_items} frames, ' if num_items > 1 else ''}{len(data)} characters of base64>"
