"""What ``VideoQA`` asks of a vision-language model (VLM)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clamr_select.answer.answer import Usage
from clamr_select.answer.openai_client import Fallback
from clamr_select.selection import Selection


@dataclass(frozen=True)
class Turn:
    """One question of a conversation."""

    text: str
    """What is asked, options included."""
    selection: Selection | None
    """Frames shown right before the text; None where the question is about frames shown earlier."""
    subtitles: bool = True
    """Whether the words spoken around each frame are quoted beside it."""
    reply: str | None = None
    """What the model said; None for the turn that is being asked."""


@dataclass(frozen=True)
class Reply:
    """What the model said to the last turn."""

    text: str
    prompt: tuple[dict[str, Any], ...]
    """Messages with placeholders for images."""
    usage: Usage | None
    finish_reason: str | None
    fallback: Fallback | None = None


class Vlm(Protocol):
    """A model that reads frames and text. Two are here: ``TransformersVlm`` and ``OpenAIVlm``."""

    name: str

    def reply(self, turns: Sequence[Turn], *, max_new_tokens: int, stream: bool = False) -> Generator[str, None, Reply]:
        """Yield the text in pieces (one piece unless ``stream``), and return the whole.

        Args:
            turns: of one conversation, oldest first; the last has no reply yet.
            max_new_tokens: the longest reply.
        """
        ...
